package steptest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// A keyLab is a database whose primary keys are switched step by step, without the executor.
type keyLab struct {
	*lab

	also []sqltext.Table // children in another schema
	keys []step.Key
}

func newKeyLab(t testing.TB, c *server.Cluster, sql string) *keyLab {
	t.Helper()
	return &keyLab{lab: newLab(t, c, sql)}
}

// key adds the primary key of a table to the lab, as a plan would describe it. uuids are the columns of the new one.
func (l *keyLab) key(table string, uuids ...string) step.Key {
	l.t.Helper()
	t := l.view(context.Background(), step.Key{}).Schema.Relation(table)
	k := step.Key{
		Table: sqltext.Table{Schema: "app", Name: table, Only: t.Kind == catalog.Ordinary && t.IsTree()}, Unique: table + "_id_key",
		Columns: t.PrimaryKey(), UUIDs: uuids, Tree: t.Kind == catalog.Partitioned,
	}
	for _, i := range t.Indexes {
		if i.Primary {
			k.Constraint = i.Constraint
		}
	}
	l.keys = append(l.keys, k)
	return k
}

func (l *keyLab) view(ctx context.Context, k step.Key) step.View {
	l.t.Helper()
	if l.seen != nil {
		v := *l.seen
		v.Table = v.Relation(k.Table)
		return v
	}
	v := step.View{Server: l.info}
	err := pg.Read(ctx, l.pool, func(tx pg.Tx) (err error) {
		v.Schema, err = inspect.Schema(ctx, tx, inspect.Request{Schema: "app", All: true, Also: l.also, Edges: true})
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.seen = &v
	return l.view(ctx, k)
}

func (l *keyLab) up(ctx context.Context, before steptest.BeforeAction) error {
	l.seen = nil
	for _, k := range l.keys {
		for _, s := range step.KeySteps(k) {
			if err := l.run(ctx, k, s, before, s.Apply); err != nil {
				return err
			}
			if done := s.Check(l.view(ctx, k)); !done.Done {
				return fmt.Errorf("%s: %s", s.ID(), done.Reason)
			}
		}
	}
	return nil
}

func (l *keyLab) down(ctx context.Context, before steptest.BeforeAction) error {
	l.seen = nil
	for _, k := range slices.Backward(l.keys) {
		for _, s := range slices.Backward(step.KeySteps(k)) {
			if err := l.run(ctx, k, s, before, s.Undo); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *keyLab) run(ctx context.Context, k step.Key, s step.Step, before steptest.BeforeAction, actionsOf func(step.View) []step.Action) error {
	for range 400 {
		actions := step.MergeChanges(actionsOf(l.view(ctx, k)))
		if len(actions) == 0 {
			return nil
		}
		for i, a := range actions {
			if i > 0 && (k.Tree || !a.SelfChecking()) { // the executor takes a new view too
				break
			}
			if before != nil {
				if err := before(s.ID(), a); err != nil {
					return err
				}
			}
			if err := l.act(ctx, a); err != nil {
				return fmt.Errorf("%s: %w\n%s", s.ID(), err, fmt.Sprintf("%.600s", a.SQL()))
			}
		}
	}
	return fmt.Errorf("%s asks for actions again and again", s.ID())
}

// subject returns the lab as a subject of the laws.
func (l *keyLab) subject() steptest.Subject {
	s := l.lab.subject()
	s.Up, s.Down, s.Interrupt = l.up, l.down, l.interrupt
	s.Fingerprint = func(context.Context) ([]string, error) { return l.fingerprint(), nil }
	return s
}

// fingerprint returns the fingerprint of the schema and of the schema other, without the times in marks.
func (l *keyLab) fingerprint() []string {
	l.t.Helper()
	var lines []string
	for _, schema := range []string{"app", "other"} {
		some, err := steptest.Fingerprint(l.t.Context(), l.lab.app, schema, "")
		if err != nil {
			l.t.Fatal(err)
		}
		lines = append(lines, some...)
	}
	for i, line := range lines {
		if before, _, found := strings.Cut(line, `"switched":"`); found {
			lines[i] = before + "…"
		}
	}
	return lines
}

// interrupt does a part of an action, as a crash does: REINDEX CONCURRENTLY leaves an invalid index next to the old one.
func (l *keyLab) interrupt(ctx context.Context, a step.Action) error {
	c, ok := a.(step.Concurrently)
	if !ok || !c.Rebuild {
		return l.lab.interrupt(ctx, a)
	}
	left := sqltext.Table{Schema: c.Table.Schema, Name: c.Index + "_ccnew"}
	_, err := l.lab.app.Exec(ctx, sqltext.Format("CREATE INDEX {} ON {} (id)", sqltext.Name(left.Name), c.Table)+
		sqltext.Format("; UPDATE pg_index SET indisvalid = false WHERE indexrelid = {}::regclass", sqltext.Value(sqltext.Qualified(left.Schema, left.Name))))
	return err
}

// upAndDown switches and goes back once. A second up and a second down do nothing.
func (l *keyLab) upAndDown(name string, between func()) {
	l.t.Helper()
	before := l.fingerprint()
	again := func(id step.ID, a step.Action) error {
		return errors.New(string(id) + " has an action left: " + strings.Join(a.SQL(), "; "))
	}
	if err := l.up(l.t.Context(), nil); err != nil {
		l.t.Fatalf("%s, up: %v", name, err)
	}
	if err := l.up(l.t.Context(), again); err != nil {
		l.t.Errorf("%s, up again: %v", name, err)
	}
	if between != nil {
		between()
	}
	if err := l.down(l.t.Context(), nil); err != nil {
		l.t.Fatalf("%s, down: %v", name, err)
	}
	if err := l.down(l.t.Context(), again); err != nil {
		l.t.Errorf("%s, down again: %v", name, err)
	}
	if diff := cmp.Diff(before, l.fingerprint()); diff != "" {
		l.t.Errorf("%s, after down (-want +got)\n%s", name, diff)
	}
}
