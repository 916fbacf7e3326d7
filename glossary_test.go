package rekey_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// retired are private words that named things in earlier versions, with the word to use now. No identifier of the
// repository contains one.
func retired() map[string]string {
	return map[string]string{
		"lane": "session", "lanes": "sessions", "ground": "partitioner", "span": "range", "spans": "ranges",
		"lend": "carry", "lent": "carried", "lender": "carrier", "bent": "clamped", "bend": "clamp",
		"muster": "runner", "march": "run", "manuscript": "script", "piece": "statement", "pieces": "statements",
		"met": "firstSeen", "sight": "state", "standing": "holder", "glance": "timeout",
		"insist": "pollNow", "moment": "cutoff", "moments": "cutoffs", "whole": "complete, all",
		"look": "inspect, read, count, check", "looks": "inspects", "house": "module", "room": "package", "rooms": "packages", "floor": "layer",
		"patience": "retryTimeout", "budget": "lockTimeout", "diary": "checkpoints", "doubt": "suspicion", "claim": "expectation",
		"beginning": "start", "tally": "count", "alone": "skipped", "foreign": "notOurs", "verdict": "state, decision", "verdicts": "states",
		"servo": "sizer", "knobs": "settings", "knob": "setting", "heard": "received", "hush": "quiet", "lacks": "missing", "situation": "input",
	}
}

// exceptions are identifiers that contain a retired word in its ordinary or PostgreSQL's meaning.
func exceptions() map[string]string {
	return map[string]string{
		"Foreign": "PostgreSQL's foreign tables: a relkind",
	}
}

func TestNoRetiredWordInIdentifiers(t *testing.T) {
	unused := exceptions()
	for _, file := range repository(t, ".go") {
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range declared(syntax) {
			// A foreign key is PostgreSQL's.
			for _, word := range camelWords(strings.ReplaceAll(strings.ReplaceAll(name.Name, "ForeignKey", "Key"), "foreignKey", "key")) {
				instead, found := retired()[word]
				if !found {
					continue
				}
				if _, excepted := exceptions()[name.Name]; excepted {
					delete(unused, name.Name)
					continue
				}
				t.Errorf("%s: %s: write %s", set.Position(name.Pos()), name.Name, instead)
			}
		}
		for word := range strings.SplitSeq(strings.TrimSuffix(filepath.Base(file), ".go"), "_") {
			if instead, found := retired()[word]; found {
				t.Errorf("%s: the name of the file has %q: write %s", file, word, instead)
			}
		}
	}
	for name := range unused {
		t.Errorf("exception %s is used nowhere", name)
	}
}

// The glossary of ARCHITECTURE.md has at most twenty words, and no retired one.
func TestGlossaryIsShort(t *testing.T) {
	_, glossary, found := strings.Cut(read(t, "ARCHITECTURE.md"), "## Glossary\n")
	glossary, _, _ = strings.Cut(glossary, "\n## ")
	words := regexp.MustCompile(`(?m)^\| ([a-z][a-z ]*) \|`).FindAllStringSubmatch(glossary, -1)
	if words = slices.DeleteFunc(words, func(w []string) bool { return w[1] == "word" }); !found || len(words) == 0 || len(words) > 20 {
		t.Errorf("the glossary has %d words", len(words))
	}
	for _, word := range words {
		if _, found := retired()[word[1]]; found {
			t.Errorf("the glossary has the retired word %q", word[1])
		}
	}
}

// declared returns the names that a file declares: packages, types, functions, fields, variables and labels.
func declared(file *ast.File) []*ast.Ident {
	names := []*ast.Ident{file.Name}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = append(names, n.Name)
		case *ast.TypeSpec:
			names = append(names, n.Name)
		case *ast.ValueSpec:
			names = append(names, n.Names...)
		case *ast.Field:
			names = append(names, n.Names...)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				names = append(names, idents(n.Lhs...)...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				names = append(names, idents(n.Key, n.Value)...)
			}
		case *ast.LabeledStmt:
			names = append(names, n.Label)
		}
		return true
	})
	return names
}

func idents(all ...ast.Expr) []*ast.Ident {
	var names []*ast.Ident
	for _, e := range all {
		if name, ok := e.(*ast.Ident); ok {
			names = append(names, name)
		}
	}
	return names
}

// camelWords returns the words of an identifier in lower case: TakeLane2 is take, lane.
func camelWords(name string) []string {
	var words []string
	runes := []rune(name)
	begin := 0
	for i := 1; i <= len(runes); i++ {
		ends := i == len(runes) || !unicode.IsLetter(runes[i]) || unicode.IsUpper(runes[i]) &&
			(unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if ends {
			if word := strings.ToLower(strings.Trim(string(runes[begin:i]), "_0123456789")); word != "" {
				words = append(words, word)
			}
			begin = i
		}
	}
	return words
}

func TestCamelWords(t *testing.T) {
	for name, want := range map[string][]string{
		"TakeLane2": {"take", "lane"}, "isJSONLane": {"is", "json", "lane"}, "URL": {"url"}, "_": nil, "a1b": {"a", "b"}, "lane_keeper": {"lane", "keeper"},
	} {
		if got := camelWords(name); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
