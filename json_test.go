package rekey_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

//nolint:gochecknoglobals // a flag of the test program
var update = flag.Bool("update", false, "write the generated parts of documents")

// jsonReference is the document whose tables are made of the types' doc comments.
const jsonReference = "docs/reference/json.md"

// TestJSONReference fails if the tables of the JSON reference differ from the doc comments; -update writes them.
func TestJSONReference(t *testing.T) {
	types := documentedTypes(t)
	text := read(t, jsonReference)
	seen := map[string]bool{}
	block := regexp.MustCompile(`(?s)<!-- begin (\S+) -->\n(.*?)<!-- end \S+ -->\n`)
	want := block.ReplaceAllStringFunc(text, func(old string) string {
		name := block.FindStringSubmatch(old)[1]
		table, ok := types[name]
		if !ok {
			t.Errorf("%s: there is no type %s", jsonReference, name)
		}
		seen[name] = true
		return fmt.Sprintf("<!-- begin %s -->\n%s<!-- end %s -->\n", name, table, name)
	})
	for name := range types {
		if !seen[name] {
			t.Errorf("%s does not have type %s", jsonReference, name)
		}
	}
	if *update {
		if err := os.WriteFile(jsonReference, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != text {
		t.Errorf("%s is not up to date: go test -run TestJSONReference . -update", jsonReference)
	}
}

// documentedTypes returns, by package and name, the table of every struct that is written as JSON.
func documentedTypes(t *testing.T) map[string]string {
	t.Helper()
	tables := map[string]string{}
	for pkg, dir := range map[string]string{"rekey": ".", "event": "event", "problem": "problem", "report": "internal/report"} {
		files := token.NewFileSet()
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		names := eventNames(t)
		for _, entry := range entries {
			if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(files, dir+"/"+entry.Name(), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok {
					return true
				}
				if fields, ok := spec.Type.(*ast.StructType); ok {
					if rows := jsonRows(fields); rows != "" {
						title := "| field of " + strings.ToLower(spec.Name.Name) + " | |"
						if event, ok := names[spec.Name.Name]; ok && pkg == "event" {
							title = "| `" + event + "` | |"
						}
						tables[pkg+"."+spec.Name.Name] = title + "\n|---|---|\n" + rows + "\n"
					}
				}
				return true
			})
		}
	}
	return tables
}

// eventNames returns the JSON names of the event types.
func eventNames(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, match := range regexp.MustCompile(`func \((\w+)\) name\(\) string +\{ return "(\w+)" \}`).FindAllStringSubmatch(read(t, "event/event.go"), -1) {
		names[match[1]] = match[2]
	}
	return names
}

// jsonRows returns a row for each field with a JSON name.
func jsonRows(fields *ast.StructType) string {
	var rows strings.Builder
	for _, field := range fields.Fields.List {
		if embedded, ok := field.Type.(*ast.SelectorExpr); ok && len(field.Names) == 0 {
			fmt.Fprintf(&rows, "| … | All fields of `%s`. |\n", embedded.Sel.Name)
		}
		if field.Tag == nil {
			continue
		}
		name, options, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		optional := ""
		if strings.Contains(options, "omitempty") {
			optional = "?"
		}
		fmt.Fprintf(&rows, "| `%s`%s | %s |\n", name, optional, jsonDescription(field))
	}
	return rows.String()
}

// jsonDescription returns the doc comment of a field without the field's Go name.
func jsonDescription(field *ast.Field) string {
	text := strings.Join(strings.Fields(field.Doc.Text()), " ")
	for _, verb := range []string{" is ", " are ", " lists ", " identifies ", " says ", " has ", " counts ", " describes ", " groups ", " holds ", " sums up "} {
		if rest, ok := strings.CutPrefix(text, field.Names[0].Name+verb); ok {
			text = rest
			if verb != " is " && verb != " are " && verb != " lists " && verb != " identifies " {
				text = strings.TrimSpace(verb) + " " + rest
			}
			break
		}
	}
	text = regexp.MustCompile(`\[(?:\w+\.)?(\w+(?:\.\w+)?)\]`).ReplaceAllString(text, "`$1`")
	return strings.ToUpper(text[:1]) + text[1:]
}
