package plan

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// TestTwinsOfAnIndexOfTwoEdges checks that the twin of the last edge holds the uuids of all edges that are taken, so that an
// application that knows only uuids finds what it looks for, and that it holds no uuid of an edge that is refused.
func TestTwinsOfAnIndexOfTwoEdges(t *testing.T) {
	joined := func(s *Input) {
		u := second(s)
		refer(u, "s_id", first(s))
		u.Indexes = append(u.Indexes, catalog.Index{
			OID: 77, Name: "u_both", Columns: []string{"t_id", "s_id"}, Uses: []string{"t_id", "s_id"}, Valid: true, Ready: true, Immediate: true, Method: "btree",
			Definition: "CREATE INDEX u_both ON app.u USING btree (t_id, s_id)",
		})
	}
	generated := onChild(func(u *catalog.Table) { u.Column("t_id").Generated = true })
	for name, test := range map[string]struct {
		input Input
		want  map[string]string
	}{
		"both are taken":       {linked(joined), map[string]string{"u.t_id": `USING btree ("t_uuid", s_id)`, "u.s_id": `USING btree ("t_uuid", "s_uuid")`}},
		"the first is refused": {linked(joined, generated, func(s *Input) { s.Policy.SkipRefused = true }), map[string]string{"u.s_id": `USING btree (t_id, "s_uuid")`}},
	} {
		p := Build(test.input)
		for column, want := range test.want {
			if l := link(t, p, column); len(l.Edge.Twins) != 1 || l.Edge.Twins[0].Definition != want {
				t.Errorf("%s: the twins of %s are %+v, want %s", name, column, l.Edge.Twins, want)
			}
		}
	}
}
