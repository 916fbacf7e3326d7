package rekey_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The plan, the executor and the scripts know no step and no action by its type: they ask its methods.
func TestStepsAreNotKnownByType(t *testing.T) {
	for _, dir := range []string{"internal/plan", "internal/run", "internal/script", "."} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range stepTypes(t, file, string(source)) {
				t.Error(found)
			}
		}
	}
}

func TestStepTypesAreFound(t *testing.T) {
	const source = "package a\nfunc f(s step.Step) { _ = s.(step.AddColumn)\nswitch s.(type) { case *int, step.Settle: }\n_ = g.(other.T) }"
	if got := stepTypes(t, "a.go", source); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// stepTypes returns the type assertions and the cases of type switches that name a type of package step.
func stepTypes(t *testing.T, file, source string) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	check := func(e ast.Expr) {
		if s, ok := e.(*ast.SelectorExpr); ok {
			if name, ok := s.X.(*ast.Ident); ok && name.Name == "step" {
				found = append(found, set.Position(e.Pos()).String()+": step."+s.Sel.Name+" is known by its type")
			}
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeAssertExpr:
			check(n.Type)
		case *ast.TypeSwitchStmt:
			for _, clause := range n.Body.List {
				if clause, ok := clause.(*ast.CaseClause); ok {
					for _, e := range clause.List {
						check(e)
					}
				}
			}
		}
		return true
	})
	return found
}
