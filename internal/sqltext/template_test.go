package sqltext

import (
	"testing"
	"testing/fstest"
)

func TestTemplate(t *testing.T) {
	files := fstest.MapFS{"templates/one.sql": {Data: []byte("SELECT {column} FROM {table}\n")}}
	// A value is not searched for further names.
	if got, want := Template(files, "one", "column", "{table}", "table", "app.t"), "SELECT {table} FROM app.t"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a template that does not exist is no panic")
		}
	}()
	Template(files, "two")
}
