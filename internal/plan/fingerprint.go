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

// Fingerprint tells whether two schemas, looked at by the same role and asked for the same, have the same plan
// but for their names and sizes. It is made of everything that was read; what it leaves out is said by name, so
// that a field that is new counts.
func Fingerprint(s Input) string {
	p := imprint{own: qualifiers(s.Schema.Name)}
	for _, part := range []any{s.Schema, s.Data, s.Adopted} {
		p.value(reflect.ValueOf(part))
	}
	digest := sha256.Sum256(p.text.Bytes())
	return hex.EncodeToString(digest[:16])
}

// imprint writes values down, each with its length, so that none runs into the next.
type imprint struct {
	own  []string // the ways to write the schema's name before a dot
	text bytes.Buffer
}

// apart tells what may differ between schemas that have the same plan: where a schema is, and how many
// rows its tables have.
func apart(t reflect.Type, field string) bool {
	switch t {
	case reflect.TypeFor[catalog.Schema]():
		return field == "Name"
	case reflect.TypeFor[catalog.Table]():
		return slices.Contains([]string{"OID", "Schema", "Above", "Pages", "Rows", "Bytes"}, field)
	case reflect.TypeFor[catalog.Index]():
		return field == "OID" || field == "Parent"
	case reflect.TypeFor[catalog.Function]():
		return field == "OID" || field == "Schema"
	}
	return false
}

func (p *imprint) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !apart(v.Type(), v.Type().Field(i).Name) {
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
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
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
		text := p.nameless(v.String())
		p.number(int64(len(text)))
		p.text.WriteString(text)
	case reflect.Bool:
		fmt.Fprint(&p.text, v.Bool())
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		p.number(v.Int())
	case reflect.Uint32:
		p.number(int64(v.Uint()))
	default:
		panic("a fingerprint knows nothing of " + v.Type().String()) // a field of the catalogue that is new
	}
}

func (p *imprint) number(n int64) { p.text.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// qualifiers are the schema's name as it is written before a dot: with quotes, and without them where that would
// not be a number or an expression. A name that needs quotes stands without them in marks alone, which then differ.
func qualifiers(schema string) []string {
	all := []string{sqltext.Ident(schema) + "."}
	const letters = "abcdefghijklmnopqrstuvwxyz_"
	if strings.Trim(schema, letters+"0123456789") == "" && strings.IndexAny(schema, letters) == 0 {
		all = append(all, schema+".")
	}
	return all
}

// nameless puts a byte that no text of PostgreSQL's holds where the schema's own name stands before a dot. Two
// texts that are equal then are each the other with the names exchanged, whatever they mean.
func (p *imprint) nameless(text string) string {
	var out strings.Builder
	for at := 0; at < len(text); {
		length := p.named(text, at)
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

// named gives the length of the schema's name and its dot where they stand in a text, else 0. Within a longer
// name, or behind another dot, it is not the schema's.
func (p *imprint) named(text string, at int) int {
	if at > 0 && (within(text[at-1]) || text[at-1] == '.') {
		return 0
	}
	for _, own := range p.own {
		if strings.HasPrefix(text[at:], own) {
			return len(own)
		}
	}
	return 0
}

func within(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
