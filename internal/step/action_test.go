package step_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// recorder records which of its methods is called.
type recorder struct{ called string }

var errRecorded = errors.New("recorded")

func (r *recorder) record(kind string) error {
	r.called = kind
	return errRecorded
}

func (r *recorder) Change(step.Change) error             { return r.record("change") }
func (r *recorder) Concurrently(step.Concurrently) error { return r.record("concurrently") }
func (r *recorder) Validate(step.Validate) error         { return r.record("validate") }
func (r *recorder) Fill(step.Fill) error                 { return r.record("fill") }

func TestActions(t *testing.T) {
	target := orders()
	name := target.Name()
	for _, c := range []struct {
		action  step.Action
		kind    string
		atomic  bool
		fills   int
		dropped []string
		mode    lock.Mode
	}{
		{step.Change{Locks: []lock.Lock{lock.On(name, lock.AccessExclusive)}, Dropped: []string{"i"}}, "change", true, 0, []string{"i"}, lock.AccessExclusive},
		{step.Change{}, "change", true, 0, nil, ""},
		{step.Concurrently{Table: name, Index: "i", Build: true}, "concurrently", false, 0, nil, lock.ShareUpdateExclusive},
		{step.Concurrently{Table: name, Index: "i"}, "concurrently", false, 0, []string{"i"}, lock.ShareUpdateExclusive},
		{step.Validate{Table: name}, "validate", true, 0, nil, lock.ShareUpdateExclusive},
		{step.Fill{Target: target}, "fill", false, 1, nil, lock.RowExclusive},
	} {
		var r recorder
		if err := c.action.Do(&r); !errors.Is(err, errRecorded) || r.called != c.kind {
			t.Errorf("%T: %s, %v", c.action, r.called, err)
		}
		if c.action.Atomic() != c.atomic || len(c.action.Fills()) != c.fills || !slices.Equal(c.action.DroppedIndexes(), c.dropped) {
			t.Errorf("%T: atomic %t, fills %v, drops %v", c.action, c.action.Atomic(), c.action.Fills(), c.action.DroppedIndexes())
		}
		if got := lock.Strongest(c.action.Locked()); got != c.mode {
			t.Errorf("%T: %s, want %s", c.action, got, c.mode)
		}
	}
}

// Only the steps that fill read rows.
func TestRows(t *testing.T) {
	for _, s := range all(orders()) {
		if reads := s.Rows() != nil; reads != (s.ID() == "app.orders/fill-column") {
			t.Errorf("%s reads rows: %t", s.ID(), reads)
		}
	}
}

// A merged change has the records and the dropped indexes of both, each once.
func TestMergedRecords(t *testing.T) {
	record := func(column string) step.Record {
		return step.Record{Kind: step.SaveCutoff, Table: sqltext.Table{Name: "t"}, Column: column}
	}
	change := func(dropped string, records ...step.Record) step.Action {
		locks := []lock.Lock{lock.On(sqltext.Table{Name: "t"}, lock.AccessExclusive)}
		return step.Change{Locks: locks, Statements: []string{dropped}, Dropped: []string{dropped}, Records: records}
	}
	merged := step.MergeChanges([]step.Action{change("i", record("a")), change("j", record("a"), record("b"))})
	got, ok := merged[0].(step.Change)
	if !ok || len(merged) != 1 || !slices.Equal(got.Dropped, []string{"i", "j"}) || !slices.Equal(got.Records, []step.Record{record("a"), record("b")}) {
		t.Errorf("%+v", merged)
	}
}

// The journal keeps the time of the default of each table on the way up, and deletes it on the way down.
func TestRecordsOfAddColumn(t *testing.T) {
	s := step.AddColumn{Target: tree()}
	records := func(actions []step.Action) map[step.RecordKind]int {
		kinds := map[step.RecordKind]int{}
		for _, a := range actions {
			if c, ok := a.(step.Change); ok {
				for _, r := range c.Records {
					kinds[r.Kind]++
				}
			}
		}
		return kinds
	}
	up := records(s.Apply(treeView(partitioned())))
	if up[step.SaveCutoff] != 4 || up[step.SaveNoOriginal] != 1 || up[step.DeleteCutoff] != 0 {
		t.Errorf("up: %v", up)
	}
	down := records(s.Undo(treeView(partitioned(column(defaulted, commented(treeMade))))))
	if down[step.DeleteCutoff] != 4 || len(down) != 1 {
		t.Errorf("down: %v", down)
	}
}
