package message_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/problem"
)

var update = flag.Bool("update", false, "rewrite testdata/messages.txt") //nolint:gochecknoglobals // a flag of the test program

const golden = "testdata/messages.txt"

// sample is a problem with realistic arguments.
type sample struct {
	from    string // the constructor, or the call that returns the problem
	problem *problem.Problem
}

// chapter is a group of samples in the golden file.
type chapter struct {
	title   string
	samples []sample
}

// TestMessages compares all messages of the program with the golden file.
func TestMessages(t *testing.T) {
	got := document(t, chapters(t))
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); to accept: go test ./internal/message -update\n%s", golden, diff)
	}
}

func document(t *testing.T, all []chapter) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("Every message of rekey, with its code, kind and exit code, and where it comes from.\n" +
		"Written by: go test ./internal/message -update\n\nThe first one as JSON:\n\n")
	text := &bytes.Buffer{}
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("    ", "  ")
	if err := encoder.Encode(all[0].samples[0].problem); err != nil {
		t.Fatal(err)
	}
	b.WriteString("    " + text.String())
	for _, c := range all {
		fmt.Fprintf(&b, "\n\n%s\n%s\n", c.title, strings.Repeat("=", len(c.title)))
		for _, s := range c.samples {
			p := s.problem
			fmt.Fprintf(&b, "\n%s (%s, exit %d)  %s\n", p.Code, p.Kind, problem.ExitCode(p), s.from)
			for _, line := range []struct{ head, text string }{{"ERROR", p.Message}, {"DETAIL", p.Detail}, {"HINT", p.Hint}} {
				if line.text != "" {
					fmt.Fprintf(&b, "    %-7s %s\n", line.head+":", line.text)
				}
			}
		}
	}
	return b.String()
}

// TestMessagesAreComplete checks that the golden file has every constructor of this package and every code that occurs
// in the sources.
func TestMessagesAreComplete(t *testing.T) {
	names, codes := map[string]bool{}, map[string]bool{}
	for _, c := range chapters(t) {
		for _, s := range c.samples {
			codes[s.problem.Code] = true
			names[strings.TrimPrefix(s.from, "message.")] = true
		}
	}
	for _, name := range constructors(t) {
		if !names[name] {
			t.Errorf("message.%s has no sample", name)
		}
	}
	for code, where := range sourceCodes(t) {
		if !codes[code] {
			t.Errorf("code %s of %s has no sample", code, where)
		}
	}
}

// constructors returns the exported functions of the package that return a problem.
func constructors(t *testing.T) (names []string) {
	t.Helper()
	walkSources(t, ".", func(_ string, file *ast.File) {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil {
				continue
			}
			if _, pointer := f.Type.Results.List[0].Type.(*ast.StarExpr); pointer {
				names = append(names, f.Name.Name)
			}
		}
	})
	if len(names) == 0 {
		t.Fatal("no constructor found")
	}
	return names
}

var codePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// sourceCodes returns the codes that occur in the sources of the repository, each with a place: the field Code of a
// problem, the first argument of a function that makes one, and the tables of package setting and of this package.
func sourceCodes(t *testing.T) map[string]string {
	t.Helper()
	codes := map[string]string{}
	walkSources(t, "../..", func(path string, file *ast.File) {
		add := func(e ast.Expr) {
			literal, ok := e.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && codePattern.MatchString(text) {
				codes[text] = path
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
					add(n.Value)
				}
			case *ast.CallExpr:
				if makesProblem(path, n) {
					add(n.Args[0])
				}
			case *ast.CompositeLit:
				if i := codeIndex(path, n); i >= 0 {
					add(n.Elts[i])
				}
			}
			return true
		})
	})
	return codes
}

func makesProblem(path string, call *ast.CallExpr) bool {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	var makers []string
	switch filepath.Base(filepath.Dir(path)) {
	case "message":
		makers = []string{"failed", "refused", "usage"}
	case "setting":
		makers = []string{"add", "explain"}
	case "cli":
		makers = []string{"wrong"}
	}
	return len(call.Args) > 1 && slices.Contains(makers, name)
}

// codeIndex returns the element of a row of a table that is a code, or -1.
func codeIndex(path string, row *ast.CompositeLit) int {
	switch dir := filepath.Base(filepath.Dir(path)); {
	case row.Type != nil:
		return -1
	case dir == "message" && len(row.Elts) == 5: // class
		return 2
	case dir == "setting" && len(row.Elts) == 9: // bound
		return 2
	case dir == "setting" && len(row.Elts) == 3: // choice
		return 0
	}
	return -1
}

func walkSources(t *testing.T, root string, visit func(path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "tools" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		visit(absolute, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const maxMessage = 120

// TestMessageStyle checks the rules of PostgreSQL's error message style guide that can be checked by a program.
func TestMessageStyle(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)\b(tells?|told|stands?|stood|of which|that of|those of|looked at|waited for|asked for|to be had|anew|meanwhile|in vain|beside|whoever|whatever|nobody|bears|lets go|goes on|went on|not there|what is|what was|failed to|unable to|bad value|illegal|please)\b`)
	for _, c := range chapters(t) {
		for _, s := range c.samples {
			p := s.problem
			report := func(what, text string) { t.Errorf("%s, code %s: %s: %s", s.from, p.Code, what, text) }
			if first := []rune(p.Message)[0]; unicode.IsUpper(first) && !startsWithName(p.Message) {
				report("the message begins with a capital letter", p.Message)
			}
			if strings.HasSuffix(p.Message, ".") {
				report("the message ends with a period", p.Message)
			}
			if strings.Contains(p.Message, "\n") || len(p.Message) > maxMessage {
				report("the message is too long", p.Message)
			}
			for _, text := range []string{p.Detail, p.Hint} {
				if text != "" && unicode.IsLower([]rune(text)[0]) && !startsWithName(text) {
					report("a detail or hint begins with a lower-case letter", text)
				}
			}
			if p.Detail != "" && !strings.HasSuffix(p.Detail, ".") {
				report("the detail does not end with a period", p.Detail)
			}
			if p.Hint != "" && !strings.HasSuffix(p.Hint, ".") && !strings.HasSuffix(p.Hint, ";") && !strings.Contains(p.Hint, ": ") {
				report("the hint ends neither with a period nor with a command", p.Hint)
			}
			for _, text := range []string{p.Message, p.Detail, p.Hint} {
				if found := forbidden.FindString(text); found != "" {
					report("it contains "+strconv.Quote(found), text)
				}
			}
		}
	}
}

// startsWithName reports whether a text begins with a product, a keyword, a field of the Go API, a flag or a
// qualified name.
func startsWithName(text string) bool {
	first, _, _ := strings.Cut(text, " ")
	first = strings.Trim(first, ":,")
	if strings.ContainsAny(first, ".\"-(") || strings.ToUpper(first) == first && len(first) > 1 {
		return true
	}
	return slices.Contains([]string{"PostgreSQL", "PhoenixKit", "rekey", "rekey's", "verify", "MaxConns", "OnError", "Up", "Version"}, first)
}

var errSample = errors.New("connection reset by peer")
