package rekey_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mostTurns is how often a turn of phrase may occur per 10,000 words of each kind of text: the level of the projects
// that rekey takes as models.
const mostTurns = 2.0

// turns are turns of phrase that make a sentence hard to read, with what to write instead.
func turns() []turn {
	return []turn{
		{"tell", `tells?|told|telling`, "report, return, describe"},
		{"stand", `stands?|stood|standing`, "is, exists, precedes"},
		{"of which", `of which|of whom|that of|those of`, "a sentence of its own"},
		{"dangling passive", `(?:is|are|was|were|be|been|being) (?:looked (?:at|for)|told of|waited for|asked (?:of|for)|gone over|come upon|spoken of|heard of)`, "say who reads, waits, asks"},
		{"to be had", `(?:is|are|was|were|be|been|being) had`, "available, found"},
		{"anew", `anew`, "again"},
		{"meanwhile", `meanwhile`, "while something happens"},
		{"in vain", `in vain`, "without success"},
		{"beside", `beside`, "next to, in addition to, outside"},
		{"whoever", `whoever|whomever|whosoever`, "who, the caller"},
		{"whatever", `whatever|whatsoever`, "any, which"},
		{"nobody", `nobody|no-one`, "no session, no caller, not"},
		{"behind it", `behind (?:it|them|this|that)`, "after, below"},
		{"let go", `lets? go|letting go`, "release"},
		{"go on", `go on|goes on|going on|went on|gone on`, "continue, resume, happen"},
		{"bear", `bears?|bore|borne`, "has, carries"},
		{"left alone", `left alone|leaves? alone|left as (?:it is|they are)|half done`, "skipped, unchanged, incomplete"},
		{"is there", `(?:is|are|was|were)(?: not)? there`, "exists, is missing"},
		{"what is", `what (?:is|was|are|were|has|had)`, "a noun"},
		{"hold back", `holds? back|held back|holding back`, "keep, exclude"},
	}
}

type turn struct{ name, pattern, instead string }

// prose is a text of the repository.
type prose struct {
	file string
	line int // of the first line of text
	text string
}

func (p prose) words() int { return len(strings.Fields(p.text)) }

// hits returns the file, line and surroundings of each match.
func (p prose) hits(pattern *regexp.Regexp) []string {
	var all []string
	for _, at := range pattern.FindAllStringIndex(p.text, -1) {
		near := p.text[max(0, at[0]-30):min(len(p.text), at[1]+30)]
		line := p.line + strings.Count(p.text[:at[0]], "\n")
		all = append(all, fmt.Sprintf("%s:%d: %s", p.file, line, strings.ToValidUTF8(strings.Join(strings.Fields(near), " "), "")))
	}
	return all
}

// Comments, messages and documents use the hard turns of phrase no more often than rekey's models do.
func TestWording(t *testing.T) {
	for kind, texts := range map[string][]prose{"comments": comments(t), "messages": messages(t), "documents": markdown(t)} {
		t.Run(kind, func(t *testing.T) {
			words := 0
			for _, p := range texts {
				words += p.words()
			}
			if words < 1000 {
				t.Fatalf("only %d words", words)
			}
			for _, turn := range turns() {
				pattern := regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(turn.pattern, " ", `\s+`) + `)\b`)
				var hits []string
				for _, p := range texts {
					hits = append(hits, p.hits(pattern)...)
				}
				rate := float64(len(hits)) * 10_000 / float64(words)
				t.Logf("%-18s %4d in %d words, %.1f per 10,000\n%s", turn.name, len(hits), words, rate, strings.Join(hits, "\n"))
				if rate > mostTurns {
					t.Errorf("%q occurs %d times, %.1f per 10,000 words, more than %.0f; write: %s", turn.name, len(hits), rate, mostTurns, turn.instead)
				}
			}
		})
	}
}

func TestWordingFindsTurns(t *testing.T) {
	pattern := regexp.MustCompile(`(?i)\b(?:that\s+of)\b`)
	p := prose{file: "a.go", line: 7, text: "The size is that of\nthe table, that\nof `that of`, thatof."}
	if got, want := p.hits(pattern), []string{"a.go:7: The size is that of the table, that of `that of`,", "a.go:8:"}; len(got) != 3 || got[0] != want[0] || !strings.HasPrefix(got[1], want[1]) {
		t.Errorf("%q", got)
	}
	if got := prosaic("a `that of` b\n```\nthat of\n```\nc"); strings.Contains(got, "that of") || strings.Count(got, "\n") != 4 {
		t.Errorf("%q", got)
	}
}

// comments are the comments of Go, SQL, shell, make and YAML, tests included.
func comments(t *testing.T) []prose {
	t.Helper()
	var all []prose
	for _, file := range repository(t, ".go") {
		all = append(all, goComments(t, file)...)
	}
	line := regexp.MustCompile(`(?m)(?:^|\s)(?:#|--) (.*)$`)
	for _, file := range append(repository(t, ".sql", ".yml", ".yaml", ".sh"), "Makefile", "Dockerfile", ".ci/run", "tools/with-postgres", "tools/check-release") {
		text := read(t, file)
		for _, at := range line.FindAllStringSubmatchIndex(text, -1) {
			all = append(all, prose{file, 1 + strings.Count(text[:at[2]], "\n"), prosaic(text[at[2]:at[3]])})
		}
	}
	return all
}

func goComments(t *testing.T, file string) []prose {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	reason := regexp.MustCompile(`//(?:nolint:\S+ // |\S+:\S+.*)?`)
	var all []prose
	for _, group := range syntax.Comments {
		var lines []string
		for _, c := range group.List {
			lines = append(lines, reason.ReplaceAllString(c.Text, ""))
		}
		all = append(all, prose{file, set.Position(group.Pos()).Line, prosaic(strings.Join(lines, "\n"))})
	}
	return all
}

// messages are the texts that the program prints: of problems, of help and of the screen.
func messages(t *testing.T) []prose {
	t.Helper()
	var all []prose
	for _, file := range repository(t, ".go") {
		dir := filepath.ToSlash(filepath.Dir(file))
		if strings.HasSuffix(file, "_test.go") || !slices.Contains([]string{"internal/message", "internal/cli", "internal/screen", "cmd/rekey-demo", "internal/demo"}, dir) {
			continue
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && strings.Contains(text, " ") {
					all = append(all, prose{file, set.Position(literal.Pos()).Line, text})
				}
			}
			return true
		})
	}
	return all
}

// markdown returns the Markdown files without their code.
func markdown(t *testing.T) []prose {
	t.Helper()
	var all []prose
	for _, file := range repository(t, ".md") {
		all = append(all, prose{file, 1, prosaic(read(t, file))})
	}
	return all
}

// prosaic removes code from a text and keeps its lines.
func prosaic(text string) string {
	return regexp.MustCompile("(?s)```.*?```|`[^`\n]*`").ReplaceAllStringFunc(text, func(code string) string {
		return strings.Repeat("\n", strings.Count(code, "\n"))
	})
}

// repository returns the files with one of these extensions, without test data.
func repository(t *testing.T, extensions ...string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"):
			return fs.SkipDir
		case !entry.IsDir() && slices.Contains(extensions, filepath.Ext(path)):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
