package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Fingerprint returns a digest of everything that was read of a schema. Two schemas with equal fingerprints, read by the
// same role with the same settings, have the same plan except for names and sizes. A new field counts unless ignored
// names it.
func Fingerprint(s Input) string {
	p := fingerprinter{schema: s.Schema.Name, own: qualifiers(s.Schema.Name)}
	for _, part := range []any{s.Schema, s.Data, s.EdgeRows, s.EdgeDefaults, s.Adopted} {
		p.value(reflect.ValueOf(part))
	}
	digest := sha256.Sum256(p.text.Bytes())
	return hex.EncodeToString(digest[:16])
}

// fingerprinter serializes values, each with its length, so that different lists of values never look equal.
type fingerprinter struct {
	schema string
	own    []string // the ways to write the schema's name before a dot
	text   bytes.Buffer
}

// ignored reports whether a field may differ between schemas that have the same plan: names, OIDs and sizes.
func ignored(t reflect.Type, field string) bool {
	switch t {
	case reflect.TypeFor[catalog.Schema]():
		return field == "Name" || field == "Places"
	case reflect.TypeFor[catalog.Table]():
		return slices.Contains([]string{"OID", "Schema", "Seal", "Above", "Pages", "Rows", "Bytes"}, field)
	case reflect.TypeFor[catalog.Sharding]():
		return field == "Colocation" || field == "Shards" || field == "Nodes"
	case reflect.TypeFor[catalog.Index]():
		return field == "OID" || field == "Parent"
	case reflect.TypeFor[catalog.ForeignKey]():
		return slices.Contains([]string{"OID", "Index", "Above"}, field)
	case reflect.TypeFor[catalog.Trigger]():
		return slices.Contains([]string{"OID", "FunctionOID", "FunctionSchema", "Above", "Written"}, field)
	case reflect.TypeFor[catalog.Attachment]():
		return field == "Object"
	case reflect.TypeFor[catalog.Function]():
		return field == "OID" || field == "Schema"
	}
	return false
}

func (p *fingerprinter) value(v reflect.Value) {
	if table, ok := reflect.TypeAssert[sqltext.Table](v); ok {
		p.table(table)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !ignored(v.Type(), v.Type().Field(i).Name) {
				p.value(v.Field(i))
			}
		}
	case reflect.Slice:
		p.number(int64(v.Len()))
		for i := range v.Len() {
			p.value(v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		p.number(int64(len(keys)))
		for _, key := range keys {
			p.value(key)
			p.value(v.MapIndex(key))
		}
	case reflect.Pointer:
		if v.IsNil() {
			p.number(-1)
			return
		}
		p.number(1)
		p.value(v.Elem())
	case reflect.String:
		text := p.withoutSchemaName(v.String())
		p.number(int64(len(text)))
		p.text.WriteString(text)
	case reflect.Bool:
		fmt.Fprint(&p.text, v.Bool())
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		p.number(v.Int())
	case reflect.Uint32:
		p.number(int64(v.Uint()))
	default:
		panic("plan: a fingerprint cannot include a " + v.Type().String()) // a new field of the catalogue
	}
}

// table serializes the name of a relation, without the name of the schema that is described.
func (p *fingerprinter) table(t sqltext.Table) {
	if t.Schema == p.schema {
		t.Schema = "\x00"
	}
	for _, text := range []string{t.Schema, t.Name, fmt.Sprint(t.Only)} {
		p.number(int64(len(text)))
		p.text.WriteString(text)
	}
}

func (p *fingerprinter) number(n int64) { p.text.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// qualifiers returns the ways to write a schema's name before a dot: quoted, and unquoted if the name needs no quotes.
// Marks write names that need quotes without them, so that the fingerprints of such schemas differ.
func qualifiers(schema string) []string {
	all := []string{sqltext.Ident(schema) + "."}
	const letters = "abcdefghijklmnopqrstuvwxyz_"
	if strings.Trim(schema, letters+"0123456789") == "" && strings.IndexAny(schema, letters) == 0 {
		all = append(all, schema+".")
	}
	return all
}

// withoutSchemaName replaces the schema's own name before a dot by a zero byte, which no text of PostgreSQL contains. Two
// texts are equal afterwards only if they differ in nothing but the schemas' names.
func (p *fingerprinter) withoutSchemaName(text string) string {
	var out strings.Builder
	for at := 0; at < len(text); {
		length := p.schemaNameAt(text, at)
		if length == 0 {
			out.WriteByte(text[at])
			at++
			continue
		}
		out.WriteString("\x00.")
		at += length
	}
	return out.String()
}

// schemaNameAt returns the length of the schema's name and its dot at a position of a text, or 0. Inside a longer name, or
// after another dot, it is not the schema's name.
func (p *fingerprinter) schemaNameAt(text string, at int) int {
	if at > 0 && (isNameByte(text[at-1]) || text[at-1] == '.') {
		return 0
	}
	for _, own := range p.own {
		if strings.HasPrefix(text[at:], own) {
			return len(own)
		}
	}
	return 0
}

func isNameByte(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
