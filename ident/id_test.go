package ident_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"testing"

	"github.com/rekey-pg/rekey/ident"
	"pgregory.net/rapid"
)

var (
	_ encoding.TextMarshaler   = ident.ID{}
	_ encoding.TextAppender    = ident.ID{}
	_ encoding.TextUnmarshaler = (*ident.ID)(nil)
	_ json.Marshaler           = ident.ID{}
	_ json.Unmarshaler         = (*ident.ID)(nil)
	_ driver.Valuer            = ident.ID{}
	_ sql.Scanner              = (*ident.ID)(nil)
	_ encoding.TextMarshaler   = ident.UUID{}
	_ encoding.TextAppender    = ident.UUID{}
	_ encoding.TextUnmarshaler = (*ident.UUID)(nil)
	_ driver.Valuer            = ident.UUID{}
	_ sql.Scanner              = (*ident.UUID)(nil)
)

// otherUUID represents another package's UUID.
type otherUUID [16]byte

func mustParse(t *testing.T, text string) ident.ID {
	t.Helper()
	id, err := ident.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func anyID() *rapid.Generator[ident.ID] {
	uuid := rapid.Custom(func(t *rapid.T) otherUUID {
		return otherUUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
	})
	return rapid.OneOf(
		rapid.Map(rapid.Int64(), ident.FromInt64),
		rapid.Map(uuid, ident.FromUUID[otherUUID]),
	)
}

func TestEveryFormReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := anyID().Draw(t, "id")
		same := func(form string, got ident.ID, err error) {
			if err != nil || got != id {
				t.Fatalf("%s: %v became %v (%v)", form, id, got, err)
			}
		}
		parsed, err := ident.Parse(id.String())
		same("Parse", parsed, err)

		var fromText ident.ID
		text, _ := id.MarshalText()
		err = fromText.UnmarshalText(text)
		same("text", fromText, err)

		var fromJSON ident.ID
		encoded, _ := json.Marshal(id)
		err = json.Unmarshal(encoded, &fromJSON)
		same("JSON", fromJSON, err)

		var fromSQL ident.ID
		value, _ := id.Value()
		if !driver.IsValue(value) {
			t.Fatalf("%T is not a driver.Value", value)
		}
		err = fromSQL.Scan(value)
		same("SQL", fromSQL, err)
	})
}

func TestJSONForms(t *testing.T) {
	for text, want := range map[string]string{
		"42": `42`, "-1": `-1`, "0": `0`,
		"9007199254740991": `9007199254740991`, "-9007199254740991": `-9007199254740991`,
		"9007199254740992": `"9007199254740992"`, "-9223372036854775808": `"-9223372036854775808"`,
		upper: `"` + lower + `"`,
	} {
		if got, err := json.Marshal(mustParse(t, text)); err != nil || string(got) != want {
			t.Errorf("%s in JSON is %s (%v), want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		`42`: "42", `"42"`: "42", `"\u0034\u0032"`: "42", `-7`: "-7", `9223372036854775807`: "9223372036854775807",
		`"` + upper + `"`: lower, ` 5 `: "5",
	} {
		var got ident.ID
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.String() != want {
			t.Errorf("%s of JSON is %v (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		`1.0`, `1e3`, `-0`, `9223372036854775808`, `""`, `" 1"`, `"+1"`, `true`, `{}`, `[1]`, `"null"`,
		`"{` + lower + `}"`,
	} {
		got := ident.FromInt64(5)
		if err := json.Unmarshal([]byte(text), &got); err == nil || got != ident.FromInt64(5) {
			t.Errorf("%s of JSON is %v (%v), want an error and the ID unchanged", text, got, err)
		}
	}
}

func TestZeroIDIsNoIdentifier(t *testing.T) {
	var zero ident.ID
	if !zero.IsZero() || zero.String() != "" || zero.Kind() != ident.KindNone {
		t.Errorf("the zero ID is %v, %v", zero, zero.Kind())
	}
	if value, err := zero.Value(); value != nil || err != nil {
		t.Errorf("in SQL it is %v (%v), want NULL", value, err)
	}
	if encoded, err := json.Marshal(map[string]ident.ID{"id": zero}); err != nil || string(encoded) != `{"id":null}` {
		t.Errorf("in JSON it is %s (%v)", encoded, err)
	}
	if _, err := zero.MarshalText(); err == nil {
		t.Error("it has a text")
	}
	if zero == ident.FromInt64(0) || zero == ident.FromUUID(otherUUID{}) {
		t.Error("it equals an identifier")
	}
	id := ident.FromInt64(3)
	if err := id.Scan(nil); err != nil || !id.IsZero() {
		t.Errorf("NULL gives %v (%v)", id, err)
	}
	id = ident.FromInt64(3)
	if err := json.Unmarshal([]byte(`null`), &id); err != nil || !id.IsZero() {
		t.Errorf("null gives %v (%v)", id, err)
	}
}

func TestKindsHaveNames(t *testing.T) {
	for kind, want := range map[ident.Kind]string{
		ident.KindNone: "none", ident.KindInteger: "integer", ident.KindUUID: "uuid", 9: "Kind(9)",
	} {
		if kind.String() != want {
			t.Errorf("%d is %q, want %q", kind, kind.String(), want)
		}
	}
}

func TestScan(t *testing.T) {
	u, _ := mustParse(t, lower).UUID()
	for _, src := range []any{lower, upper, []byte(lower), [16]byte(u)} {
		var id ident.ID
		if err := id.Scan(src); err != nil || id.String() != lower {
			t.Errorf("Scan(%#v) = %v (%v)", src, id, err)
		}
		var read ident.UUID
		if err := read.Scan(src); err != nil || read != u {
			t.Errorf("UUID.Scan(%#v) = %v (%v)", src, read, err)
		}
	}
	var read ident.UUID
	if err := read.Scan(u[:]); err != nil || read != u {
		t.Errorf("UUID.Scan of 16 bytes = %v (%v)", read, err)
	}
	var digits ident.ID
	if err := digits.Scan([]byte("1234567890123456")); err != nil || digits != ident.FromInt64(1234567890123456) {
		t.Errorf("16 digits are %v (%v)", digits, err)
	}
	for _, src := range []any{1.0, true, 7, "x", []byte{}} {
		id := ident.FromInt64(5)
		if err := id.Scan(src); err == nil || id != ident.FromInt64(5) {
			t.Errorf("Scan(%#v) = %v, want an error and the ID unchanged", src, id)
		}
	}
	for _, src := range []any{nil, int64(1), "1", []byte("1")} {
		kept := u
		if err := kept.Scan(src); err == nil || kept != u {
			t.Errorf("UUID.Scan(%#v) = %v, want an error and the UUID unchanged", src, kept)
		}
	}
}
