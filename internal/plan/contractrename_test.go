package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// endedSchema returns a contracted schema: app.t (uuid), whose id has ended, and app.u (uuid, t_uuid), whose id and t_id have ended.
func endedSchema(alter ...func(t, u *catalog.Table)) Input {
	s := Input{Direction: Up, Goal: Contracted, Schema: catalog.Schema{Name: "app", Exists: true}}
	for i, name := range []string{"u", "t"} {
		table := newTable(name, uint32(i+1))
		table.Columns = nil
		addUUID(&table).NotNull = true
		mark := step.Key{Table: named(name), Columns: []string{"id"}, UUIDs: []string{"uuid"}, Constraint: name + "_pkey", Unique: name + "_id_key"}.Mark()
		mark.Contracted = true
		comment := mark.Comment()
		table.Indexes[0].Columns, table.Indexes[0].Comment = []string{"uuid"}, &comment
		s.Schema.Relations = append(s.Schema.Relations, table)
	}
	u, t := &s.Schema.Relations[0], &s.Schema.Relations[1]
	mark := step.EdgeMark{Child: named("u"), Column: "t_id", Parent: named("t"), Key: "id", Function: named("rekey_u_t_id"), Contracted: true, Finished: true}
	comment := mark.Comment(nil)
	addColumn(u, catalog.Column{Name: "t_uuid", Type: "uuid", Comment: &comment})
	for _, f := range alter {
		f(t, u)
	}
	return s
}

// Contracted columns get the names of their integers, table by table; a name that is taken, or that two columns would get, is not given.
func TestRenames(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(t, u *catalog.Table)
		want  string // table: uuid>integer
		found string
	}{
		"all": {func(_, _ *catalog.Table) {}, "app.t: uuid>id; app.u: uuid>id t_uuid>t_id", ""},
		"an integer that stays": {
			func(t, _ *catalog.Table) { addColumn(t, catalog.Column{Name: "id", Type: "bigint"}) },
			"app.u: uuid>id t_uuid>t_id", "",
		},
		"a name that is taken": {
			func(_, u *catalog.Table) { addColumn(u, catalog.Column{Name: "t_id", Type: "text"}) },
			"app.t: uuid>id; app.u: uuid>id", "",
		},
		"renamed already": {func(t, _ *catalog.Table) { t.Columns[0].Name = "id" }, "app.u: uuid>id t_uuid>t_id", ""},
		"a mark of another table": {
			func(_, u *catalog.Table) { u.Name = "copy" },
			"app.t: uuid>id", "",
		},
		"the name of two columns": {func(_, u *catalog.Table) {
			comment := strings.Replace(*u.Columns[1].Comment, `"t_id"`, `"id"`, 1)
			u.Columns[1].Comment = &comment
		}, "app.t: uuid>id; app.u: uuid>id t_uuid>id", "app.u"},
	} {
		t.Run(name, func(t *testing.T) {
			s := endedSchema(c.alter)
			run := contraction{input: s, plan: &Plan{Direction: Up, Goal: Contracted, SchemaName: "app", Schema: s.Schema}}
			var got []string
			for _, g := range run.renames() {
				one, _ := g.Steps[0].(step.RenameKeys)
				text := g.Table.String() + ":"
				for _, p := range one.Pairs {
					text += " " + p.UUID + ">" + p.Integer
				}
				got = append(got, text)
				if g.Phase != Contracted || g.State != Pending || g.Key == nil {
					t.Errorf("%+v", g)
				}
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("%s, want %s", strings.Join(got, "; "), c.want)
			}
			if len(run.found) > 0 != (c.found != "") || c.found != "" && !strings.Contains(run.found[0].Error(), c.found) {
				t.Error(run.found)
			}
		})
	}
}
