package script

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
)

// input returns a schema with one table.
func input(schema, table string, direction plan.Direction) plan.Input {
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
		Scope: plan.Scope{Profile: &profile.Profile{
			Name: "site", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
			Tables: []profile.Table{{Name: table}},
		}},
	}
}

func options(format Format) Options {
	return Options{Format: format, Filling: func(plan.Group, step.Target) Filling {
		return Filling{Region: 100, Batch: 10, Waves: []int{1024}, Reason: "r"}
	}}
}

func scriptText(t *testing.T, p plan.Plan, format Format) string {
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

// No name ends the dollar quotes of a statement, and goose finds no annotation of its own in a name.
func TestNamesDoNotEndQuotes(t *testing.T) {
	const wicked = "a\n; DROP TABLE b; -- $rekey$ $rekey1$ :x \\q"
	for _, format := range Formats() {
		text := scriptText(t, plan.Build(input(wicked, wicked, plan.Up)), format)
		if !strings.Contains(text, "$rekey2$") {
			t.Errorf("%s: the dollar quote occurs in the name", format)
		}
	}
	goose := plan.Build(input("public", "x\n-- +goose Down", plan.Up))
	if _, err := Make(goose, options(Goose)); err == nil {
		t.Error("Make accepted a name with a goose annotation")
	}
}

func TestComment(t *testing.T) {
	for _, c := range []struct{ head, text, want string }{
		{"", "short", "-- short\n"},
		{"Lock:  ", "a\nb", "-- Lock:  a\\nb\n"},
		{"", strings.Repeat("word ", 30), "-- " + strings.TrimSpace(strings.Repeat("word ", 21)) + "\n-- " + strings.TrimSpace(strings.Repeat("word ", 9)) + "\n"},
	} {
		if got := comment(c.head, c.text); got != c.want {
			t.Errorf("comment(%q) =\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}

// silent is a step without statements, forgetful one with a wrong prediction.
type (
	silent    struct{ step.AddColumn }
	forgetful struct{ step.AddColumn }
)

// ApplyScript implements step.Step.
func (silent) ApplyScript(step.View) []step.Statement { return nil }

// AfterApply implements step.Step.
func (forgetful) AfterApply(v step.View) step.View { return v }

func TestMakeRejectsUnpredictableSteps(t *testing.T) {
	add := step.AddColumn{Target: plan.TargetOf("public", "t", "uuid")}
	for want, s := range map[string]step.Step{
		"cannot contain it":                silent{add},
		"predicts that 1 actions are left": forgetful{add},
	} {
		p := plan.Build(input("public", "t", plan.Up))
		p.Groups[1].Steps = []step.Step{s}
		if _, err := Make(p, options(Psql)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// A plan with nothing to do makes no script.
func TestEmptyPlanMakesNoScript(t *testing.T) {
	p := plan.Build(input("public", "t", plan.Down))
	if files, err := Make(p, options(Psql)); err != nil || files != nil {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// In a schema run, a complete column that rekey did not make appears in neither direction.
func TestCompleteColumnOfOthersIsSkipped(t *testing.T) {
	s := input("app", "none", plan.Up)
	theirs := catalog.Table{
		Schema: "app", Name: "theirs", Kind: catalog.Ordinary, Owned: true, Persistence: "p",
		Columns: []catalog.Column{{Number: 1, Name: "uuid", Type: "uuid", NotNull: true, Default: "uuidv7()"}},
		Indexes: []catalog.Index{{Name: "theirs_key", Columns: []string{"uuid"}, Unique: true, Immediate: true, Valid: true, Ready: true, Method: "btree"}},
	}
	s.Server.Version, s.Scope = 180004, plan.Scope{}
	s.Schema.Relations = []catalog.Table{s.Schema.Relations[1], theirs}
	files, err := Make(plan.Build(s), options(Migrate))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.Contains(file.Name, "theirs") {
			t.Errorf("unexpected file %s:\n%s", file.Name, file.Text)
		}
	}
}
