package script

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
)

// situation is a schema with one table, as a pure value.
func situation(schema, table string, direction plan.Direction) plan.Input {
	version := "39"
	name := "own"
	relation := func(name string) catalog.Table {
		return catalog.Table{Schema: schema, Name: name, Kind: catalog.Ordinary, Owned: true, Persistence: "p"}
	}
	kit := relation("kit")
	kit.Comment = &version
	return plan.Input{
		Direction: direction,
		Server: catalog.Server{
			Version: 150018, VersionText: "15.18", Database: "data",
			Role: catalog.Role{Name: name, CreateDatabase: true},
		},
		Schema: catalog.Schema{Name: schema, Exists: true, Usage: true, Create: true, Relations: []catalog.Table{kit, relation(table)}},
		Profile: profile.Profile{
			Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
			Tables: []profile.Table{{Name: table}},
		},
	}
}

func options(format Format) Options {
	return Options{Format: format, Filling: func(plan.Group, step.Target) Filling {
		return Filling{Region: 100, Batch: 10, Waves: []int{1024}, Reason: "r"}
	}}
}

func made(t *testing.T, p plan.Plan, format Format) string {
	t.Helper()
	files, err := Make(p, options(format))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var text strings.Builder
	for _, file := range files {
		text.WriteString(file.Text)
	}
	return text.String()
}

// The quotes around a statement are none that a name holds, and goose finds no word of its own in one.
func TestNamesStayInTheirQuotes(t *testing.T) {
	const wicked = "a\n; DROP TABLE b; -- $rekey$ $rekey1$ :x \\q"
	for _, format := range Formats() {
		text := made(t, plan.Build(situation(wicked, wicked, plan.Up)), format)
		if !strings.Contains(text, "$rekey2$") {
			t.Errorf("%s: no quotes that the name does not hold", format)
		}
	}
	goose := plan.Build(situation("public", "x\n-- +goose Down", plan.Up))
	if _, err := Make(goose, options(Goose)); err == nil {
		t.Error("goose would have read a name as its own word")
	}
}

func TestRemark(t *testing.T) {
	for _, c := range []struct{ head, text, want string }{
		{"", "short", "-- short\n"},
		{"Lock:  ", "a\nb", "-- Lock:  a\\nb\n"},
		{"", strings.Repeat("word ", 30), "-- " + strings.TrimSpace(strings.Repeat("word ", 21)) + "\n-- " + strings.TrimSpace(strings.Repeat("word ", 9)) + "\n"},
	} {
		if got := remark(c.head, c.text); got != c.want {
			t.Errorf("%q became\n%s not\n%s", c.text, got, c.want)
		}
	}
}

// blind is a step that does not foresee, forgetful one that foresees wrongly.
type (
	blind     struct{ step.Step }
	forgetful struct{ step.AddColumn }
)

// Applied implements step.Foreseer.
func (forgetful) Applied(v step.View) step.View { return v }

func TestStepsThatCannotBeWrittenDown(t *testing.T) {
	target := plan.TargetOf("public", "t", "uuid")
	add := step.AddColumn{Target: target}
	for says, s := range map[string]step.Step{
		"does not foresee":          blind{add},
		"it has no place":           forgetful{add},
		"0 actions where 1 are kno": nil,
	} {
		if s == nil {
			if _, err := pieces(add, nil, words{}); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, not %s", err, says)
			}
			continue
		}
		p := plan.Build(situation("public", "t", plan.Up))
		p.Groups[1].Steps = []step.Step{s}
		if _, err := Make(p, options(Psql)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, not %s", err, says)
		}
	}
}

// Nothing to do is no script.
func TestNothingToDo(t *testing.T) {
	p := plan.Build(situation("public", "t", plan.Down))
	if files, err := Make(p, options(Psql)); err != nil || files != nil {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// Without a profile a column that somebody else made, and made whole, has no place in either way.
func TestNobodysBusiness(t *testing.T) {
	s := situation("app", "none", plan.Up)
	theirs := catalog.Table{
		Schema: "app", Name: "theirs", Kind: catalog.Ordinary, Owned: true, Persistence: "p",
		Columns: []catalog.Column{{Number: 1, Name: "uuid", Type: "uuid", NotNull: true, Default: "uuidv7()"}},
		Indexes: []catalog.Index{{Name: "theirs_key", Columns: []string{"uuid"}, Unique: true, Immediate: true, Valid: true, Ready: true, Method: "btree"}},
	}
	s.Server.Version, s.Profile, s.Selection = 180004, profile.Profile{}, &plan.Selection{}
	s.Schema.Relations = []catalog.Table{s.Schema.Relations[1], theirs}
	files, err := Make(plan.Build(s), options(Migrate))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.Contains(file.Name, "theirs") {
			t.Errorf("there is a file %s:\n%s", file.Name, file.Text)
		}
	}
}
