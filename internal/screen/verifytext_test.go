package screen

import (
	"testing"

	"github.com/rekey-pg/rekey"
)

// TestFunctionOfLibrary checks that the function of a library is called by the library's name.
func TestFunctionOfLibrary(t *testing.T) {
	for want, f := range map[string]rekey.FunctionReport{
		"Function app.f is Acme's own, and every role that inserts may call it.":         {Name: "app.f", Exists: true, MakesV7: true, Library: "Acme", Note: "needs x"},
		"Function app.f returns UUIDv7; these roles insert and lack EXECUTE on it: bob.": {Name: "app.f", Exists: true, MakesV7: true, Library: "Acme", Note: "needs x", Unprivileged: []string{"bob"}},
		"Function app.f returns UUIDv7, and every role that inserts may call it.":        {Name: "app.f", Exists: true, MakesV7: true},
		"Function app.f does not exist.":                                                 {Name: "app.f"},
		"Function app.f does not return UUIDv7: it returns text.":                        {Name: "app.f", Exists: true, Fault: "it returns text"},
		"Function app.f does not return UUIDv7.":                                         {Name: "app.f", Exists: true},
	} {
		if got := function(f); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
