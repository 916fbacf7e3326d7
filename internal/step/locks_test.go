package step_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/step"
)

// documented is a row of docs/reference/locks.md: a statement and the lock that it takes.
type documented struct {
	statement string
	patterns  []*regexp.Regexp // one for each statement that the row names
	mode      string
}

// lockDocument reads the statements and their locks from the tables of the document, and from sentences of the form
// `statement`: LOCK and `statement` (LOCK.
func lockDocument(t *testing.T) []documented {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "locks.md"))
	if err != nil {
		t.Fatal(err)
	}
	const modes = `(ACCESS EXCLUSIVE|SHARE ROW EXCLUSIVE|SHARE UPDATE EXCLUSIVE|ROW EXCLUSIVE|none)`
	row := regexp.MustCompile("(?m)^\\|([^|]*`[^|]*)\\|\\s*" + modes)
	sentence := regexp.MustCompile("(`[A-Z][^`]+`)(?:: | \\()" + modes)
	code := regexp.MustCompile("`([A-Z][^`]+)`")
	placeholder := regexp.MustCompile("…|<[a-z_ ]+>")
	var rows []documented
	for _, found := range append(row.FindAllStringSubmatch(string(text), -1), sentence.FindAllStringSubmatch(string(text), -1)...) {
		d := documented{statement: strings.TrimSpace(found[1]), mode: found[2]}
		for _, statement := range code.FindAllStringSubmatch(found[1], -1) {
			pattern := placeholder.ReplaceAllString(regexp.QuoteMeta(normal(statement[1])), `[^;]*`)
			d.patterns = append(d.patterns, regexp.MustCompile("^"+pattern+"[^;]*$"))
		}
		rows = append(rows, d)
	}
	return rows
}

// normal returns SQL as the document writes it.
func normal(sql string) string {
	sql = strings.ReplaceAll(sql, `"`, "")
	return strings.NewReplacer("pg_catalog.", "", "app.kit ", "phoenix_kit ", "app.", "", "<prefix>.", "", " NO INHERIT", "").Replace(sql)
}

// describes reports whether a row is about an action: its only statement, or one of several that the row names.
func (d documented) describes(a step.Action) bool {
	if len(a.Fills()) > 0 {
		return strings.HasPrefix(d.statement, "`UPDATE")
	}
	return slices.ContainsFunc(a.SQL(), func(sql string) bool {
		return slices.ContainsFunc(d.patterns, func(p *regexp.Regexp) bool { return p.MatchString(normal(sql)) })
	})
}

// lockedActions returns every action of the steps in the states that a database may be in.
func lockedActions() (actions []step.Action) {
	for _, c := range states() {
		walk(c, 15, func(_ step.Step, _ string, _ step.View, some []step.Action, statements []step.Statement) {
			actions = append(actions, some...)
			for _, one := range statements {
				if one.Action != nil {
					actions = append(actions, one.Action)
				}
			}
		})
	}
	actions = append(actions, step.GrantExecute{Schema: "app"}.Apply(step.View{Schema: catalog.Schema{
		Function: &catalog.Function{Schema: "app", Name: step.FunctionName, Unprivileged: []string{"writer"}},
	}})...)
	actions = append(actions, edgeActions()...)
	names, views := keyStates()
	for _, name := range names {
		for _, s := range step.KeySteps(goalOf(name)) {
			actions = append(actions, slices.Concat(s.Apply(views[name]), s.Undo(views[name]))...)
		}
	}
	return actions
}

func edgeActions() (actions []step.Action) {
	withDefault := edge(func(e *step.Edge) { e.Default = &step.EdgeDefault{Key: "1", UUID: "u"} })
	otherDefault := func(child, _ *catalog.Table) { child.Columns[1].Default = "'v'::uuid" }
	actions = append(actions, step.WireEdge{Edge: withDefault}.Apply(edgeView(withDefault, 1))...)
	actions = append(actions, step.WireEdge{Edge: edge()}.Apply(edgeView(edge(), 1, otherDefault))...)
	disabled := edgeView(edge(), 5, func(child, _ *catalog.Table) { child.Triggers = nil })
	partitioned := edgeView(edge(), 2, func(child, _ *catalog.Table) {
		child.Kind, child.Below = catalog.Partitioned, []catalog.Table{{Schema: "app", Name: "c1", Kind: catalog.Ordinary}}
	})
	changed := edgeView(edge(), 5, func(child, _ *catalog.Table) { child.ForeignKeys[0].Deferrable = true })
	actions = append(actions, step.WireEdge{Edge: edge()}.Apply(disabled)...)
	actions = append(actions, step.LinkEdge{Edge: edge()}.Apply(changed)...)
	actions = append(actions, step.LinkEdge{Edge: edge(func(e *step.Edge) { e.Tree = true })}.Apply(partitioned)...)
	moves := edgeView(edge(moving), 5, with(btree("app.c", "i", true, "p_id"), btree("app.c", "i2", true, "p_uuid"), btree("app.c", "~rekey_i", false, "p_id")))
	moved := edgeView(edge(moving), 5, with(btree("app.c", "i", false, "p_id"), btree("app.c", "i2", true, "p_uuid"), btree("app.c", "~rekey_i", true, "p_id")), markedMoved(true))
	for _, v := range []step.View{moves, moved} {
		actions = append(actions, slices.Concat(step.MoveArbiter{Edge: edge(moving)}.Apply(v), step.MoveArbiter{Edge: edge(moving)}.Undo(v))...)
	}
	for _, e := range []step.Edge{edge(), edge(composite), edge(late)} {
		for reached := range 6 {
			v := edgeView(e, reached)
			v.Unfilled = reached < 2
			for _, s := range step.EdgeSteps(e) {
				if _, fills := s.(step.FillEdge); fills && reached == 0 {
					continue
				}
				actions = append(actions, s.Apply(v)...)
				actions = append(actions, s.Undo(v)...)
			}
		}
	}
	return actions
}

// The document of locks has every statement, with the strongest lock that its action takes.
func TestLockDocument(t *testing.T) {
	rows, actions := lockDocument(t), lockedActions()
	for _, a := range actions {
		mode := string(lock.Strongest(a.Locked()))
		if mode == "" {
			mode = "none"
		}
		if !slices.ContainsFunc(rows, func(d documented) bool { return d.describes(a) && d.mode == mode }) {
			t.Errorf("%s on %v: not in the document: %.200s", mode, a.Tables(), strings.Join(a.SQL(), "; "))
		}
	}
	for _, d := range rows {
		runs := func(a step.Action) bool {
			mode := string(lock.Strongest(a.Locked()))
			return d.describes(a) && (d.mode == mode || d.mode == "none" && mode == "")
		}
		if !slices.ContainsFunc(actions, runs) && !strings.Contains(d.statement, "VACUUM") {
			t.Errorf("no action runs %s under %s", d.statement, d.mode)
		}
	}
}

// Of each mode, the document says the same as lock.Mode.Waiting, which rekey explain prints.
func TestLockDocumentSaysWhoWaits(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "locks.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[lock.Mode]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		first, _, _ := strings.Cut(strings.TrimSpace(cells[2]), " on ")
		mode, says := lock.Mode(strings.TrimSpace(first)), cells[3]
		waiting := mode.Waiting()
		if strings.Contains(says, "readers do not wait") {
			seen[mode] = true
			if waiting != "writers" {
				t.Errorf("%s: %q wait, and the document says:%s", mode, waiting, says)
			}
		}
		if strings.Contains(says, "no session waits") && mode == lock.ShareUpdateExclusive {
			seen[mode] = true
			if waiting != "" {
				t.Errorf("%s: %q wait, and the document says:%s", mode, waiting, says)
			}
		}
	}
	if !seen[lock.ShareRowExclusive] || !seen[lock.ShareUpdateExclusive] {
		t.Errorf("rows were not found: %v", seen)
	}
	for _, a := range lockedActions() {
		d := step.Describe(a)
		if d.Kind == "" || len(a.Fills()) > 0 != (d.Kind == step.Backfill) || len(d.Locks) != len(lock.InOrder(a.Locked())) {
			t.Errorf("%T is described as %+v", a, d)
		}
		for _, l := range d.Locks {
			if l.Mode.Blocks() != (l.Mode.Waiting() != "") {
				t.Errorf("%s blocks, and %q wait", l.Mode, l.Mode.Waiting())
			}
		}
	}
}
