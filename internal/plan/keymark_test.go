package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// A table that up has switched is recognised without its mark, and the hint restores it.
func TestUnmarkedKeys(t *testing.T) {
	target := step.Target{Schema: "app", Table: "p", Column: "uuid", Index: "p_uuid_idx", KeepsMark: true}
	made := `[rekey: made {"of":"app.p","index":"p_uuid_idx"}]`
	mark := step.KeyMark{Table: sqltext.Table{Schema: "app", Name: "p"}, Primary: "p_pkey", Columns: []string{"id"}, UUIDs: []string{"uuid"}}
	table := func(change func(*catalog.Table)) *catalog.Table {
		p := &catalog.Table{
			Schema: "app", Name: "p", Kind: catalog.Ordinary,
			Columns: []catalog.Column{{Name: "id", Type: "bigint", NotNull: true}, {Name: "uuid", Type: "uuid", NotNull: true, Comment: &made}},
			Indexes: []catalog.Index{
				{Name: "p_pkey", Constraint: "p_pkey", Columns: []string{"uuid"}, Unique: true, Primary: true, Valid: true},
				{Name: "p_id_key", Columns: []string{"id"}, Unique: true, Valid: true, ReplicaIdentity: true},
			},
		}
		change(p)
		return p
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*catalog.Table)
		want   string
	}{
		"the comment is gone":         {func(*catalog.Table) {}, `"columns":["id"],"uuids":["uuid"],"identity":"default","switched":"2026-01-02T03:04:05Z"}`},
		"the index is gone":           {func(p *catalog.Table) { p.Indexes = p.Indexes[:1] }, "from a backup"},
		"the application's own key":   {func(p *catalog.Table) { p.Columns[1].Comment = nil }, ""},
		"the integers are the key":    {func(p *catalog.Table) { p.Indexes[0].Columns = []string{"id"} }, ""},
		"no primary key":              {func(p *catalog.Table) { p.Indexes = p.Indexes[1:] }, ""},
		"another unique index":        {func(p *catalog.Table) { p.Indexes[1].Predicate = "id > 0" }, "from a backup"},
		"a mark of another table":     {func(p *catalog.Table) { p.Indexes[1].Comment = new(mark.Comment()) }, `"of":["app","p"]`},
		"the index of a uuid besides": {func(p *catalog.Table) { p.Indexes[1].Columns = []string{"uuid"} }, "from a backup"},
	} {
		if hint := unmarked(target, table(c.change), now); (hint == "") != (c.want == "") || !strings.Contains(hint, c.want) {
			t.Errorf("%s: %q", name, hint)
		}
	}
	renamed := table(func(p *catalog.Table) { p.Name, p.Indexes[1].Comment = "q", new(mark.Comment()) })
	in := Input{Schema: catalog.Schema{Name: "app", Relations: []catalog.Table{*renamed}}}
	if found := renamedKeys(in); len(found) != 1 || !strings.Contains(found[0].Hint, `"of":["app","q"]`) {
		t.Errorf("a renamed table: %v", found)
	}
	in.Schema.Relations = append(in.Schema.Relations, *table(func(*catalog.Table) {})) // q was made like p
	if found := renamedKeys(in); found != nil {
		t.Errorf("a copy: %v", found)
	}
	if m := mark; fitsKey(m, &catalog.Index{Columns: []string{"n"}}, renamed) || !fitsKey(m, &renamed.Indexes[1], renamed) {
		t.Error("a mark of other columns fits")
	}
}
