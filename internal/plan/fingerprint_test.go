package plan_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// TestEveryFieldCounts checks that a change of any field that is read of a schema changes the fingerprint, except for
// names and sizes.
func TestEveryFieldCounts(t *testing.T) {
	ignored := map[string]bool{"Schema.Name": true, "Schema.Places": true, "Schema.Places[t]": true, "Schema.Function.OID": true, "Schema.Function.Schema": true}
	for _, table := range []string{"Relations[0]", "OtherSchemas[0]"} {
		for _, below := range []string{"", ".Below[0]"} {
			for _, field := range []string{
				"OID", "Schema", "Seal", "Above", "Pages", "Rows", "Bytes", "Indexes[0].OID", "Indexes[0].Parent",
				"ForeignKeys[0].OID", "ForeignKeys[0].Index", "ForeignKeys[0].Above", "ReferencedBy[0].OID", "ReferencedBy[0].Index", "ReferencedBy[0].Above",
				"Triggers[0].OID", "Triggers[0].FunctionOID", "Triggers[0].FunctionSchema", "Triggers[0].Above", "Triggers[0].Written", "Attachments[0].Object",
				"Sharding.Colocation", "Sharding.Shards", "Sharding.Nodes",
			} {
				ignored["Schema."+table+below+"."+field] = true
			}
		}
	}
	input := full()
	base, fields := plan.Fingerprint(input), 0
	for _, part := range []string{"Schema", "Data", "EdgeRows", "Adopted"} {
		walk(reflect.ValueOf(&input).Elem().FieldByName(part), part, func(path string) {
			fields++
			if same := plan.Fingerprint(input) == base; same != ignored[path] {
				t.Errorf("%s changed: the same fingerprint %v, want %v", path, same, ignored[path])
			}
			delete(ignored, path)
		})
	}
	for path := range ignored {
		t.Errorf("%s is not a field", path)
	}
	if base != plan.Fingerprint(full()) {
		t.Error("walk did not restore a value, or equal inputs have different fingerprints")
	}
	t.Logf("%d fields", fields)
}

// full returns an input with one element in every list, and one level of tables below tables.
func full() plan.Input {
	var s plan.Input
	fill(reflect.ValueOf(&s.Schema).Elem())
	s.Schema.Name = "own"
	fill(reflect.ValueOf(&s.Data).Elem())
	fill(reflect.ValueOf(&s.EdgeRows).Elem())
	s.Adopted = map[sqltext.Table]bool{table(): true}
	return s
}

func table() sqltext.Table { return sqltext.Table{Schema: "other", Name: "t"} }

// keyOf returns the key of the one value of a map.
func keyOf(v reflect.Value) reflect.Value {
	if v.Type().Key() == reflect.TypeFor[plan.EdgeKey]() {
		return reflect.ValueOf(plan.EdgeKey{Child: table(), Column: "a"})
	}
	if v.Type().Key().Kind() == reflect.String {
		return reflect.ValueOf("a")
	}
	return reflect.ValueOf(table())
}

func fill(v reflect.Value, around ...reflect.Type) {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, append(around, v.Type())...)
		}
	case reflect.Slice:
		if n := len(around); n > 1 && slices.Contains(around[:n-1], v.Type().Elem()) {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), around...)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), around...)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, around...)
		v.SetMapIndex(keyOf(v), value)
	case reflect.String:
		v.SetString("a")
	default:
		v.SetZero()
	}
}

// walk changes each value in turn, calls changed, and restores it. It appends to lists and clears pointers and maps.
func walk(v reflect.Value, path string, changed func(string)) {
	change := func(to reflect.Value) {
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		v.Set(to)
		changed(path)
		v.Set(old)
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), path+"."+v.Type().Field(i).Name, changed)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			return
		}
		change(reflect.Append(v, v.Index(0)))
		walk(v.Index(0), path+"[0]", changed)
	case reflect.Pointer:
		change(reflect.Zero(v.Type()))
		walk(v.Elem(), path, changed)
	case reflect.Map:
		change(reflect.Zero(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(v.MapIndex(keyOf(v)))
		walk(value, path+"[t]", func(path string) {
			v.SetMapIndex(keyOf(v), value)
			changed(path)
		})
		v.SetMapIndex(keyOf(v), reflect.New(v.Type().Elem()).Elem())
		fill(v)
		if v.Type().Elem().Kind() == reflect.Bool {
			v.SetMapIndex(keyOf(v), reflect.ValueOf(true))
		}
	case reflect.String:
		change(reflect.ValueOf(v.String() + "b").Convert(v.Type()))
	case reflect.Bool:
		change(reflect.ValueOf(!v.Bool()))
	case reflect.Float64:
		change(reflect.ValueOf(v.Float() + 1))
	default:
		change(reflect.ValueOf(7).Convert(v.Type()))
	}
}

// TestOwnNameIsNoDifference checks that texts may differ only in the schema's own name before a dot.
func TestOwnNameIsNoDifference(t *testing.T) {
	at := func(schema, text string) string {
		return plan.Fingerprint(plan.Input{Schema: catalog.Schema{Name: schema, Relations: []catalog.Table{{
			Name: "t", Columns: []catalog.Column{{Name: "id", Default: text}},
		}}}})
	}
	for _, c := range []struct {
		a, textA, b, textB string
		same               bool
	}{
		{"a", "nextval('a.s'::regclass)", "b", "nextval('b.s'::regclass)", true},
		{"a", `"a".f()`, "b", `"b".f()`, true},
		{"B c", `"B c".f()`, `C "d`, `"C ""d".f()`, true},
		{"a", `[rekey: made {"of":"a.t"}]`, "b", `[rekey: made {"of":"b.t"}]`, true},
		{"a", "nextval('a.s'::regclass)", "b", "nextval('a.s'::regclass)", false},
		{"a", "nextval('b.s'::regclass)", "b", "nextval('b.s'::regclass)", false},
		{"a", "'a'::text", "b", "'b'::text", false},
		{"a", "a_a.f()", "b", "a_b.f()", false},
		{"a", "x.a.f()", "b", "x.b.f()", false},
		{"1", "1.5", "2", "2.5", false},
		{"t", "t.ft.f()", "u", "u.fu.f()", false},
		{"a", "a.f()", "b", `"b".f()`, true},
		{"a", "a.f", "b", "b.g", false},
	} {
		if same := at(c.a, c.textA) == at(c.b, c.textB); same != c.same {
			t.Errorf("%s in %s and %s in %s: the same %v", c.textA, c.a, c.textB, c.b, same)
		}
	}
	counted := func(tables ...string) string {
		data := map[sqltext.Table]catalog.Data{}
		for _, name := range tables {
			data[sqltext.Table{Schema: "x", Name: name}] = catalog.Data{Nulls: true}
		}
		return plan.Fingerprint(plan.Input{Schema: catalog.Schema{Name: "x"}, Data: data})
	}
	if counted("a", "b", "c") != counted("c", "a", "b") || counted("a", "b") == counted("a", "c") {
		t.Error("the order of a map counts, or its keys do not")
	}
	inCode := func(schema string) string {
		return plan.Fingerprint(plan.Input{Schema: catalog.Schema{Name: schema, Code: []catalog.Code{{Table: sqltext.Table{Schema: "a", Name: "t"}}}}})
	}
	if inCode("b") != inCode("c") || inCode("a") == inCode("b") {
		t.Error("the name of the own schema is not left out of a table's name, or the name of another schema is")
	}
	// The boundary between two texts counts.
	if two := func(a, b string) string {
		return plan.Fingerprint(plan.Input{Schema: catalog.Schema{Name: "x", Relations: []catalog.Table{{Name: a, Owner: b}}}})
	}; two("ab", "c") == two("a", "bc") {
		t.Error("two texts have the fingerprint of other texts")
	}
}
