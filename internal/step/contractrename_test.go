package step_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// contracted returns a view of app.p whose integers have ended, with these columns besides. The mark is in the comment of the primary
// key's index.
func contracted(primary bool, columns ...string) step.View {
	key := goal()
	mark, theirs := key.Mark(), "theirs"
	mark.Contracted = true
	comment := theirs + "\n" + mark.Comment()
	p := catalog.Table{OID: 2, Schema: "app", Name: "p", Kind: catalog.Ordinary}
	for _, name := range columns {
		p.Columns = append(p.Columns, catalog.Column{Name: name, Type: "uuid"})
	}
	pk := primaryIndex(50, "p_pkey", columns[0])
	pk.Comment = &comment
	if primary {
		p.Indexes = []catalog.Index{pk}
	}
	return step.View{Table: &p, Schema: catalog.Schema{Name: "app", Relations: []catalog.Table{p}}}
}

func TestRenameKeys(t *testing.T) {
	s := step.RenameKeys{Table: goal().Table, Pairs: []step.ColumnPair{{Integer: "id", UUID: "uuid"}, {Integer: "owner id", UUID: "owner_uuid"}}}
	const (
		id     = `ALTER TABLE "app"."p" RENAME COLUMN "uuid" TO "id"`
		owner  = `ALTER TABLE "app"."p" RENAME COLUMN "owner_uuid" TO "owner id"`
		remark = `COMMENT ON INDEX "app"."p_pkey" IS`
	)
	for name, c := range map[string]struct {
		view  step.View
		want  []string // starts of the statements
		guard []string // columns that must not exist
		done  bool
	}{
		"both":                  {contracted(true, "uuid", "owner_uuid"), []string{id, owner, remark}, []string{"'id'", "'owner id'"}, false},
		"one has its name":      {contracted(true, "id", "owner_uuid"), []string{owner, remark}, []string{"'owner id'"}, false},
		"both have their names": {contracted(true, "id", "owner id"), nil, nil, true},
		"the name is taken":     {contracted(true, "uuid", "id", "owner id"), []string{id, remark}, []string{"'id'"}, false},
		"no mark":               {contracted(false, "uuid", "owner_uuid"), []string{id, owner}, []string{"'id'", "'owner id'"}, false},
		"no table":              {step.View{}, nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.Check(c.view); got.Done != c.done {
				t.Errorf("%+v", got)
			}
			actions := s.Apply(c.view)
			if c.want == nil {
				if actions != nil {
					t.Error(heads(actions))
				}
				return
			}
			change, _ := actions[0].(step.Change)
			if len(actions) != 1 || len(change.Statements) != len(c.want) || heads(actions)[0][:len("app.p ACCESS EXCLUSIVE")] != "app.p ACCESS EXCLUSIVE" {
				t.Fatal(heads(actions))
			}
			for i, want := range c.want {
				if !strings.HasPrefix(change.Statements[i], want) {
					t.Errorf("%s, want %s", change.Statements[i], want)
				}
			}
			if strings.Count(change.Guard, "NOT EXISTS") != len(c.guard) {
				t.Error(change.Guard)
			}
			for _, column := range c.guard {
				if !strings.Contains(change.Guard, "attname = "+column) {
					t.Errorf("the guard lacks %s: %s", column, change.Guard)
				}
			}
		})
	}
}

// The mark has the new names afterwards, the comment of others stays, and there is no way back.
func TestRenameKeysWritesMark(t *testing.T) {
	s := step.RenameKeys{Table: goal().Table, Pairs: []step.ColumnPair{{Integer: "id", UUID: "uuid"}}}
	view := contracted(true, "uuid")
	change, _ := s.Apply(view)[0].(step.Change)
	text := change.Statements[len(change.Statements)-1]
	mark := goal().Mark()
	mark.Contracted, mark.UUIDs = true, []string{"id"}
	if !strings.Contains(text, "theirs") || !strings.Contains(text, mark.Comment()) {
		t.Errorf("%s, want %s", text, mark.Comment())
	}
	if read, _ := step.ReadKeyMark(&view.Table.Indexes[0]); read.UUIDs[0] != "uuid" {
		t.Error("the view changed")
	}
	if testNoWayBack(t, s, view); s.Explain().UndoneBy != step.Never {
		t.Error("the step has a way back, or a script")
	}
	if explained := s.Explain(); explained.What != "rename uuid to id" {
		t.Error(explained.What)
	}
}
