package rekey_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/plan"
)

// The public names of states, phases, hazards and formats are copies, so that the documentation of the package shows them. Each type has
// the same values as the internal one.
func TestPublicNamesEqualInternalNames(t *testing.T) {
	public := namedValues(t, ".")
	for _, one := range []struct{ name, dir, internal string }{
		{"Direction", "internal/plan", "Direction"},
		{"Phase", "internal/plan", "Phase"},
		{"State", "internal/plan", "State"},
		{"EdgeState", "internal/plan", "EdgeState"},
		{"KeyState", "internal/plan", "KeyState"},
		{"HazardName", "internal/plan", "HazardName"},
		{"Arbiter", "internal/plan", "Arbiter"},
		{"UnsupportedKind", "internal/plan", "UnsupportedKind"},
		{"OrderSource", "internal/plan", "Source"},
		{"CodeUse", "internal/plan", "Use"},
		{"ScriptFormat", "internal/script", "Format"},
	} {
		values := public[one.name]
		if len(values) < 2 {
			t.Errorf("%s has the values %v", one.name, values)
		}
		if diff := cmp.Diff(namedValues(t, one.dir)[one.internal], values); diff != "" {
			t.Errorf("%s (+) differs from %s.%s (-)\n%s", one.name, one.dir, one.internal, diff)
		}
	}
	hazards := plan.HazardNames()
	slices.Sort(hazards)
	if diff := cmp.Diff(public["HazardName"], hazards); diff != "" {
		t.Errorf("HazardNames (+) differs from the constants (-)\n%s", diff)
	}
}

// namedValues returns the values of a directory's string constants by their declared type, sorted.
func namedValues(t *testing.T, dir string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, named := spec.Type.(*ast.Ident)
			text, literal := spec.Values[0].(*ast.BasicLit)
			if named && literal && text.Kind == token.STRING {
				if value, err := strconv.Unquote(text.Value); err == nil {
					values[kind.Name] = append(values[kind.Name], value)
				}
			}
			return true
		})
	}
	for _, list := range values {
		slices.Sort(list)
	}
	return values
}
