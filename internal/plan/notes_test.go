package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

func TestNotes(t *testing.T) {
	const addColumnBreaks = "Any ADD COLUMN breaks"
	replica := catalog.Replica{Name: "standby:5432", Recovering: true, StreamingDelay: 17_000, ArchiveDelay: 30_000, Feedback: true}
	unlimited := replica
	unlimited.ArchiveDelay, unlimited.Feedback = -1, false
	standby := catalog.Standby{Name: "walreceiver", State: "streaming"}
	otherUUID := catalog.Column{Name: "key", Type: "uuid", Length: 16, Alignment: 1, NotNull: true}
	for name, test := range map[string]struct {
		alter func(*Input)
		want  []string // parts of notes
		not   []string // parts that no note has
	}{
		"up":              {func(*Input) {}, []string{addColumnBreaks}, []string{"Standby", "trigger"}},
		"down":            {down, nil, []string{addColumnBreaks}},
		"an event":        {func(s *Input) { s.Server.EventTriggers = []catalog.EventTrigger{event("ALTER TABLE")} }, []string{"Event trigger e runs public.e() at sql_drop of ALTER TABLE, the run's own included"}, nil},
		"events of all":   {func(s *Input) { s.Server.EventTriggers = []catalog.EventTrigger{event()} }, []string{"at sql_drop of every command"}, nil},
		"row triggers":    {func(s *Input) { trigger("O")(first(s)); s.Policy.FireTriggers = true }, []string{"app.t: these triggers fire for every row that the backfill updates: touch"}, nil},
		"column rights":   {onTable(func(t *catalog.Table) { t.Columns[0].Grantees = []string{"web", "api"} }), []string{"app.t: roles with rights on single columns (api, web) get none on uuid", `GRANT SELECT ("uuid") ON "app"."t" TO api, web;`}, nil},
		"identity full":   {onTable(func(t *catalog.Table) { published([]string{"id"}, true)(t); t.ReplicaIdentity = "f" }), []string{"REPLICA IDENTITY FULL sends"}, nil},
		"full, unpublish": {onTable(func(t *catalog.Table) { t.ReplicaIdentity = "f" }), nil, []string{"REPLICA IDENTITY FULL"}},
		"large rows":      {onTable(func(t *catalog.Table) { addColumn(t, catalog.Column{Name: "wide", Length: 8120}) }), []string{"app.t: a row with a value in every column is too large", "pg_column_size(t.*) > 8128"}, nil},
		"two uuids":       {onTable(func(t *catalog.Table) { addColumn(t, otherUUID) }), []string{"Column key of t is already a uuid", "--tables 't' --column 'key'"}, nil},
		"a wider key": {onTable(func(t *catalog.Table) {
			addColumn(t, otherUUID)
			t.Indexes = append(t.Indexes, uniqueIndex("x", "key", "id"))
		}), nil, []string{"already a uuid"}},
		"a reference": {onTable(func(t *catalog.Table) {
			addColumn(t, otherUUID)
			t.Constraints = []catalog.Constraint{{Kind: "f", Columns: []string{"key"}}}
		}), nil, []string{"already a uuid"}},
		"a standby":       {func(s *Input) { s.Server.Replicas = []catalog.Replica{replica} }, []string{"Standby standby:5432 has max_standby_streaming_delay 17s and max_standby_archive_delay 30s", "for that long"}, []string{"hot_standby_feedback", "without limit"}},
		"without limit":   {func(s *Input) { s.Server.Replicas = []catalog.Replica{unlimited} }, []string{"max_standby_archive_delay -1 (no limit)", "without limit", "hot_standby_feedback is off"}, nil},
		"unread standbys": {func(s *Input) { s.Server.Standbys = []catalog.Standby{standby} }, []string{"Standby walreceiver (streaming, synchronous: false) replays the same locks; its max_standby_streaming_delay", "--standby-url postgres://"}, nil},
		"one of two read": {func(s *Input) {
			s.Server.Standbys, s.Server.Replicas = []catalog.Standby{standby, standby}, []catalog.Replica{replica}
		}, []string{"unless a --standby-url leads to it"}, nil},
		"all read": {func(s *Input) {
			s.Server.Standbys, s.Server.Replicas = []catalog.Standby{standby}, []catalog.Replica{replica}
		}, nil, []string{"walreceiver"}},
	} {
		got := Build(schemaRun(test.alter)).Notes
		has := func(part string) bool {
			return slices.ContainsFunc(got, func(n string) bool { return strings.Contains(n, part) })
		}
		for _, part := range test.want {
			if !has(part) {
				t.Errorf("%s: no note says %q: %q", name, part, got)
			}
		}
		for _, part := range test.not {
			if has(part) {
				t.Errorf("%s: a note says %q", name, part)
			}
		}
	}
}

func event(tags ...string) catalog.EventTrigger {
	return catalog.EventTrigger{Name: "e", Function: "public.e()", Event: "sql_drop", Owner: "postgres", Tags: tags}
}

// TestOneNotePerName checks that tables with the same uuid column share a note, whose patterns match only them.
func TestOneNotePerName(t *testing.T) {
	p := Build(schemaRun(func(s *Input) {
		s.Schema.Relations[1].Name = "u*,"
		for i := range s.Schema.Relations {
			addColumn(&s.Schema.Relations[i], catalog.Column{Name: "key", Type: "uuid", NotNull: true})
		}
	}))
	notes := slices.DeleteFunc(p.Notes, func(n string) bool { return !strings.Contains(n, "already a uuid") })
	if len(notes) != 1 || !strings.Contains(notes[0], "Column key of t, u*,") || !strings.Contains(notes[0], `--tables 't,u\*\,'`) {
		t.Errorf("%q", notes)
	}
}

func TestOriginalNote(t *testing.T) {
	if got := OriginalNote(&catalog.Function{Schema: "app", Name: "f", Original: &catalog.Original{Library: "Acme", Needs: "x"}}); got != "app.f() is Acme's: an INSERT that calls it needs x" {
		t.Error(got)
	}
}
