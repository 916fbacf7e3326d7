package ordered

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// key is the columns that order the rows of one instant: NOT NULL and unique together. It is empty for a table without a key,
// whose rows of one instant are in no order.
//
// Keys of a single integer are compared here. Only the server knows the order of other keys: their columns are read as texts,
// in that order, and a row's key is the offset of its texts.
type key struct {
	columns []keyColumn
	integer bool
}

type keyColumn struct {
	name sqltext.Name
	kind string // type name in format_type's spelling; the base type for a domain
}

func keyOf(table catalog.Table, names []string) key {
	k := key{integer: table.Integer(names)}
	for _, name := range names {
		c := keyColumn{name: sqltext.Name(name)}
		if column := table.Column(name); column != nil {
			c.kind = column.Plain()
		}
		if k.integer { // one type for the bounds of all integer types
			c.kind = "int8"
		}
		k.columns = append(k.columns, c)
	}
	return k
}

// empty reports whether there is no key.
func (k key) empty() bool { return len(k.columns) == 0 }

// columnList lists the key's columns of the table with an alias.
func (k key) columnList(alias string) string {
	names := make([]string, len(k.columns))
	for i, c := range k.columns {
		names[i] = alias + sqltext.Format(".{}", c.name)
	}
	return strings.Join(names, ", ")
}

// tuple returns the key as a row expression. Row expressions compare column by column.
func (k key) tuple(alias string) string { return k.bracket(k.columnList(alias)) }

func (k key) bracket(list string) string {
	if len(k.columns) == 1 {
		return list
	}
	return "(" + list + ")"
}

// fields returns the select list that parse reads.
func (k key) fields() string {
	kind := "text"
	if k.integer {
		kind = "int8"
	}
	var list strings.Builder
	for _, c := range k.columns {
		list.WriteString(sqltext.Format(", t.{}::", c.name) + kind)
	}
	return list.String()
}

// join matches rows of t with the rows of v: arrays in the parameters from $first on, named k1, k2 and so on.
func (k key) join(first int) (arrays, names, equal string) {
	conditions := make([]string, len(k.columns))
	for i, c := range k.columns {
		name := "k" + strconv.Itoa(i+1)
		kind, cast := "text", "::"+c.kind
		if k.integer {
			kind, cast = "int8", ""
		}
		arrays += ", $" + strconv.Itoa(first+i) + "::" + kind + "[]"
		names += ", " + name
		conditions[i] = sqltext.Format("t.{} = v.", c.name) + name + cast
	}
	return arrays, names, strings.Join(conditions, " AND ")
}

// bound returns a key as a row of constants, quoted and cast to the columns' types, so that an index can be used.
func (k key) bound(values []string) string {
	all := make([]string, len(k.columns))
	for i, c := range k.columns {
		all[i] = sqltext.Format("{}::", sqltext.Value(values[i])) + c.kind
	}
	return k.bracket(strings.Join(all, ", "))
}

// keyRange is a range of keys: above low and up to high. A nil bound is no bound; the others hold the text of each column.
type keyRange struct{ low, high []string }

// condition returns the SQL condition for the rows of t in a range.
func (k key) condition(s keyRange) string {
	where := "true"
	if s.low != nil {
		where += " AND " + k.tuple("t") + " > " + k.bound(s.low)
	}
	if s.high != nil {
		where += " AND " + k.upTo(s.high)
	}
	return where
}

func (k key) upTo(high []string) string { return k.tuple("t") + " <= " + k.bound(high) }

// keyTexts holds the texts of the keys of rows: for each column, its length and its bytes.
type keyTexts []byte

// parse reads a row's key from the fields that follow row.parse's.
func (k key) parse(fields [][]byte, into *keyTexts) int64 {
	if k.integer {
		return int64(binary.BigEndian.Uint64(fields[0]))
	}
	offset := len(*into)
	for _, field := range fields {
		*into = append(binary.AppendUvarint(*into, uint64(len(field))), field...)
	}
	return int64(offset)
}

// eachColumn calls a function with each text of the key at an offset.
func (all keyTexts) eachColumn(offset int64, call func(column int, text []byte), columns int) {
	rest := all[offset:]
	for i := range columns {
		length, n := binary.Uvarint(rest)
		call(i, rest[n:n+int(length)])
		rest = rest[n+int(length):]
	}
}

// boundOf returns a row's key as a bound.
func (k key) boundOf(offset int64, all keyTexts) []string {
	if k.integer {
		return []string{strconv.FormatInt(offset, 10)}
	}
	bound := make([]string, len(k.columns))
	all.eachColumn(offset, func(column int, text []byte) { bound[column] = string(text) }, len(k.columns))
	return bound
}

// arrays encodes the keys of rows as the parameters of join.
func (k key) arrays(rows []row, all keyTexts) [][]byte {
	if k.integer {
		keys := appendArrayHeader(make([]byte, 0, arrayBytes+12*len(rows)), pgtype.Int8OID, len(rows))
		for i := range rows {
			keys = appendInt8(keys, rows[i].key)
		}
		return [][]byte{keys}
	}
	arrays := make([][]byte, len(k.columns))
	for i := range arrays {
		arrays[i] = appendArrayHeader(nil, pgtype.TextOID, len(rows))
	}
	for i := range rows {
		all.eachColumn(rows[i].key, func(column int, text []byte) {
			arrays[column] = append(binary.BigEndian.AppendUint32(arrays[column], uint32(len(text))), text...)
		}, len(k.columns))
	}
	return arrays
}
