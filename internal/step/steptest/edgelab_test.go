package steptest_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// A lab is a database whose edges are run step by step, without the executor.
type lab struct {
	t     testing.TB
	pool  *pgxpool.Pool // for rekey, with its search_path
	app   *pgxpool.Pool // for the application
	url   string
	owner string // owner of the tables; "" for the role of pool
	info  catalog.Server
	edges []step.Edge
	seen  *step.View // the catalogue since the last action; nil if it may have changed
}

// parents is the SQL for a parent that has its uuid column already. The uuid of row n ends with n.
const parents = `CREATE SCHEMA app;
	CREATE FUNCTION app.u(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
	CREATE TABLE app.p (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), t bigint NOT NULL DEFAULT 7, UNIQUE (t, id));
	INSERT INTO app.p (id, uuid) SELECT n, app.u(n) FROM generate_series(1, 9) n;`

func newLab(t testing.TB, c *server.Cluster, sql string) *lab {
	t.Helper()
	url := servertest.Database(t, c).URL
	own := url + "&search_path=pg_catalog"
	l := &lab{t: t, url: url, pool: servertest.Pool(t, own), app: servertest.Pool(t, url)}
	l.exec(parents + sql)
	l.readServer()
	return l
}

// actAs makes rekey's sessions work as a role.
func (l *lab) actAs(role string) {
	l.t.Helper()
	l.pool = servertest.Pool(l.t, l.url+"&search_path=pg_catalog&role="+role)
	l.readServer()
}

func (l *lab) readServer() {
	l.t.Helper()
	var err error
	if l.info, err = inspect.Server(l.t.Context(), l.pool); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) exec(sql string) {
	l.t.Helper()
	servertest.Execute(l.t, l.app, sql)
}

// link adds the edge of a child's column to the lab, as a plan would make it.
func (l *lab) edge(child, column, parent string, options ...func(*step.Edge)) step.Edge {
	l.t.Helper()
	v := l.view(context.Background())
	table := v.Schema.Relation(child)
	if table == nil {
		l.t.Fatalf("no table %s", child)
	}
	uuid := strings.TrimSuffix(column, "_id") + "_uuid"
	e := step.Edge{
		Child:  sqltext.Table{Schema: "app", Name: child, Only: table.Kind == catalog.Ordinary && table.IsTree()},
		Parent: sqltext.Table{Schema: "app", Name: parent, Only: v.Schema.Relation(parent).Kind == catalog.Ordinary},
		Column: column, Key: "id", UUID: uuid, ParentUUID: "uuid", Constraint: child + "_" + uuid + "_fkey", Check: child + "_" + uuid + "_check",
		Tree: table.Kind == catalog.Partitioned, Owner: cmp.Or(l.owner, v.Server.Role.Name), Row: table.OrderKey(uuid), NotNull: table.Column(column).NotNull,
	}
	e.Function = step.EdgeFunction(e.Child, column)
	for _, k := range table.ForeignKeys {
		if slices.Contains(k.ChildColumns, column) && k.Parent.Name == parent {
			e.Reference = k
			e.Key = k.ParentColumns[slices.Index(k.ChildColumns, column)]
		}
	}
	e.ChildFirst = e.Reference.Deferrable || child == parent || !e.NotNull
	if len(e.Parts()) > 0 {
		e.ParentIndex = parent + "_" + strings.Join(e.ParentColumns(), "_") + "_idx"
	}
	e.Required = e.NotNull && e.Constrained() && !e.ChildFirst && !e.Child.Only
	e.Twins, _ = step.Twins(table, column, uuid)
	for _, option := range options {
		option(&e)
	}
	l.edges = append(l.edges, e)
	return e
}

// view reads what steps decide from.
func (l *lab) view(ctx context.Context) step.View {
	l.t.Helper()
	v := step.View{Server: l.info}
	err := pg.Read(ctx, l.pool, func(tx pg.Tx) (err error) {
		v.Schema, err = inspect.Schema(ctx, tx, inspect.Request{Schema: "app", Relations: []string{"c", "c2", "p"}, Edges: true})
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return v
}

// stepView returns the view of one step, with its fact about the rows.
func (l *lab) stepView(ctx context.Context, e step.Edge, s step.Step) step.View {
	l.t.Helper()
	if l.seen == nil {
		v := l.view(ctx)
		l.seen = &v
	}
	v := *l.seen
	v.Table = v.Relation(e.Child)
	reader, ok := s.(step.RowReader)
	if !ok || v.Table == nil || v.Table.Column(e.UUID) == nil {
		v.Unfilled = ok
		return v
	}
	v.Filled = map[uint32]bool{}
	for _, part := range e.Target().Parts(v.Table) {
		rows, err := l.app.Query(ctx, reader.Unfilled(part.Rows()))
		if err != nil {
			l.t.Fatal(err)
		}
		found := rows.Next()
		rows.Close()
		v.Filled[part.Table.OID] = !found
		v.Unfilled = found
	}
	return v
}

// up runs the steps of all edges; down undoes them in reverse order.
func (l *lab) up(ctx context.Context, before steptest.BeforeAction) error {
	l.seen = nil
	for _, e := range l.edges {
		for _, s := range step.EdgeSteps(e) {
			if err := l.run(ctx, e, s, before, s.Apply); err != nil {
				return err
			}
			if done := s.Check(l.stepView(ctx, e, s)); !done.Done {
				return fmt.Errorf("%s: %s", s.ID(), done.Reason)
			}
		}
	}
	return nil
}

func (l *lab) down(ctx context.Context, before steptest.BeforeAction) error {
	l.seen = nil
	for _, e := range slices.Backward(l.edges) {
		for _, s := range slices.Backward(step.EdgeSteps(e)) {
			if err := l.run(ctx, e, s, before, s.Undo); err != nil {
				return err
			}
		}
	}
	return nil
}

// mustUp runs up, and at most the steps whose ids end with one of the names, if there are any.
func (l *lab) mustUp() {
	l.t.Helper()
	if err := l.up(context.Background(), nil); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) run(ctx context.Context, e step.Edge, s step.Step, before steptest.BeforeAction, actionsOf func(step.View) []step.Action) error {
	for range 100 {
		actions := step.MergeChanges(actionsOf(l.stepView(ctx, e, s)))
		if len(actions) == 0 {
			return nil
		}
		if before != nil {
			if err := before(s.ID(), actions[0]); err != nil {
				return err
			}
		}
		if err := l.act(ctx, actions[0]); err != nil {
			return fmt.Errorf("%s: %w\n%s", s.ID(), err, fmt.Sprintf("%.400s", actions[0].SQL()))
		}
	}
	return fmt.Errorf("%s asks for actions again and again", s.ID())
}

func (l *lab) act(ctx context.Context, a step.Action) error {
	l.seen = nil
	switch a := a.(type) {
	case step.Change:
		return pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
			if err := guarded(ctx, tx, a.Early); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, lock.SQL(a.Locks)); err != nil {
				return err
			}
			if err := guarded(ctx, tx, a.Guard); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, strings.Join(a.Statements, "; "))
			return err
		})
	case step.Fill:
		return pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "SET LOCAL rekey.fill = 'on'; "+fillSQL(a, ""))
			return err
		})
	default:
		_, err := l.pool.Exec(ctx, a.SQL()[0])
		return err
	}
}

func guarded(ctx context.Context, tx pgx.Tx, guard string) error {
	if guard == "" {
		return nil
	}
	n := 0
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM ("+guard+") g").Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("no row: %s", guard)
	}
	return nil
}

func fillSQL(a step.Fill, and string) string {
	return sqltext.Format("UPDATE {} c SET {} = (", a.Target.Rows(), sqltext.Name(a.Edge.UUID)) + a.Edge.ParentUUIDOf("c") + ") WHERE " + a.Edge.Missing("c") + and
}

// subject returns the lab as a subject of the laws.
func (l *lab) subject() steptest.Subject {
	return steptest.Subject{
		Up: l.up, Down: l.down,
		Fingerprint: func(ctx context.Context) ([]string, error) { return steptest.Fingerprint(ctx, l.app, "app", "") },
		Values:      func(context.Context) (map[int64]string, error) { return nil, nil },
		Reset:       func(context.Context) error { return nil },
		IsComplete:  func(context.Context) error { return nil },
		Interrupt:   l.interrupt,
	}
}

// interrupt does a part of an action, as a crash does.
func (l *lab) interrupt(ctx context.Context, a step.Action) error {
	switch a := a.(type) {
	case step.Fill:
		_, err := l.pool.Exec(ctx, fillSQL(a, " AND c.id % 2 = 0"))
		return err
	case step.Concurrently:
		if a.Build {
			if err := l.act(ctx, a); err != nil {
				return err
			}
		}
		_, err := l.app.Exec(ctx, sqltext.Format("UPDATE pg_index SET indisvalid = false WHERE indexrelid = {}::regclass", sqltext.Value(sqltext.Qualified(a.Table.Schema, a.Index))))
		return err
	default:
		return fmt.Errorf("a %T is one transaction", a)
	}
}
