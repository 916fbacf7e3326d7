package acceptance

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// replication is a publisher on which both applications work, and a subscriber of all its tables.
type replication struct {
	*testing.T
	c          *server.Cluster // of the subscriber
	graph      apps.Graph
	publisher  *pgxpool.Pool
	subscriber *pgxpool.Pool
	slot       string
	worker     int // process of the worker that applies the changes; an error ends it
}

// newReplication creates both databases with the phase expanded, so that the subscriber receives the publisher's uuids.
func newReplication(t *testing.T, publisher, subscriber *server.Cluster, g apps.Graph) *replication {
	t.Helper()
	from, to := servertest.Database(t, publisher), servertest.Database(t, subscriber)
	r := &replication{T: t, c: subscriber, graph: g, publisher: servertest.Pool(t, from.URL), subscriber: servertest.Pool(t, to.URL), slot: to.Name}
	servertest.Execute(t, r.publisher, r.graph.SQL())
	empty := r.graph
	empty.Tables = slices.Clone(empty.Tables)
	for i := range empty.Tables {
		empty.Tables[i].Rows = 0
	}
	servertest.Execute(t, r.subscriber, empty.SQL())
	r.up(r.publisher, rekey.Expanded)
	r.up(r.subscriber, rekey.Expanded)
	// The slot of a subscription to a database of the same server must exist before.
	published := make([]string, len(r.graph.Tables))
	for i, table := range r.graph.Tables {
		published[i] = sqltext.Qualified(r.graph.Schema, table.Name)
	}
	servertest.Execute(t, r.publisher, "CREATE PUBLICATION everything FOR TABLE "+strings.Join(published, ", "))
	servertest.Execute(t, r.publisher, sqltext.Format("SELECT pg_create_logical_replication_slot({}, 'pgoutput')", sqltext.Value(r.slot)))
	t.Cleanup(r.unsubscribe)
	servertest.Execute(t, r.subscriber, sqltext.Format("CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION everything WITH (create_slot = false, slot_name = {})",
		sqltext.Name(r.slot), sqltext.Value(from.URL), sqltext.Name(r.slot)))
	r.wait(r.subscriber, "the initial copy", "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'")
	r.wait(r.subscriber, "the worker", "SELECT count(*) = 1 FROM pg_stat_subscription WHERE pid IS NOT NULL")
	r.worker = r.pid()
	return r
}

// unsubscribe removes the subscription, so that both databases can be dropped.
func (r *replication) unsubscribe() {
	ctx := context.Background()
	name := sqltext.Name(r.slot)
	for _, one := range []struct {
		pool *pgxpool.Pool
		sql  string
	}{
		{r.subscriber, sqltext.Format("ALTER SUBSCRIPTION {} DISABLE", name)},
		{r.subscriber, sqltext.Format("ALTER SUBSCRIPTION {} SET (slot_name = NONE)", name)},
		{r.subscriber, sqltext.Format("DROP SUBSCRIPTION {}", name)},
		{r.publisher, sqltext.Format("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = {} AND active", sqltext.Value(r.slot))},
		{r.publisher, sqltext.Format("SELECT pg_drop_replication_slot({})", sqltext.Value(r.slot))},
	} {
		conn, err := pgx.Connect(ctx, one.pool.Config().ConnString())
		if err == nil {
			for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(50 * time.Millisecond) {
				if _, err = conn.Exec(ctx, one.sql); err == nil {
					break
				}
			}
			_ = conn.Close(ctx)
		}
		if err != nil {
			r.Errorf("%s: %v", one.sql, err)
		}
	}
}

// wait waits until a query returns true.
func (r *replication) wait(on *pgxpool.Pool, what, sql string, args ...any) {
	r.Helper()
	holds := false
	for begun := time.Now(); !holds; time.Sleep(20 * time.Millisecond) {
		if err := on.QueryRow(r.Context(), sql, args...).Scan(&holds); err != nil {
			r.Fatal(err)
		}
		if time.Since(begun) > time.Minute {
			r.Fatalf("%s: not within a minute\n%s", what, r.c.Log())
		}
	}
}

// pid returns the process that applies the changes, 0 if there is none.
func (r *replication) pid() (pid int) {
	r.Helper()
	if err := r.subscriber.QueryRow(r.Context(), "SELECT coalesce(max(pid), 0) FROM pg_stat_subscription WHERE subname = $1", r.slot).Scan(&pid); err != nil {
		r.Fatal(err)
	}
	return pid
}

func (r *replication) setup(to rekey.Phase) rekeytest.Setup {
	s := rekeytest.Setup{Scope: rekey.Schema{Name: r.graph.Schema}, Options: rekey.Options{To: to, Accept: hazards()}}
	s.Options.Permissions.SubscribersReady = true
	return s
}

func (r *replication) up(pool *pgxpool.Pool, to rekey.Phase) {
	r.Helper()
	if _, err := rekeytest.Up(r.Context(), pool, r.setup(to)); err != nil {
		r.Fatalf("up --to %s: %v", to, err)
	}
}

// traffic waits until each application has made a number of further transactions.
func (r *replication) traffic(traffic *apps.Traffic, integers, uuids int64) {
	r.Helper()
	start := traffic.Figures()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if f := traffic.Figures(); f.Failed+f.Wrong > 0 || f.Integers >= start.Integers+integers && f.UUIDs >= start.UUIDs+uuids {
			return
		}
	}
	r.Fatalf("not enough traffic: %s", traffic.Figures())
}

// caughtUp waits until the subscriber has applied what the publisher has committed, and fails if an error interrupted that.
func (r *replication) caughtUp() {
	r.Helper()
	var position string
	if err := r.publisher.QueryRow(r.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&position); err != nil {
		r.Fatal(err)
	}
	r.wait(r.publisher, "the subscriber", `SELECT coalesce((SELECT confirmed_flush_lsn >= $1::pg_lsn FROM pg_replication_slots WHERE slot_name = $2), false)`, position, r.slot)
	if pid := r.pid(); pid != r.worker {
		r.Errorf("the worker that applied the changes ended: an error\n%s", r.c.Log())
	}
	if r.c.Major < 15 {
		return
	}
	var failed int
	if err := r.subscriber.QueryRow(r.Context(), "SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats WHERE subname = $1", r.slot).Scan(&failed); err != nil || failed > 0 {
		r.Errorf("%d errors of the subscription, %v\n%s", failed, err, r.c.Log())
	}
}

// rows returns the rows of all tables, ordered.
func (r *replication) rows(pool *pgxpool.Pool, columns func(apps.Edge) []string) (lines []string) {
	r.Helper()
	for _, t := range r.graph.Tables {
		sql := "SELECT ROW(id, uuid, label, value"
		for _, e := range t.Edges {
			for _, c := range columns(e) {
				sql += sqltext.Format(", {}", sqltext.Name(c))
			}
		}
		rows, err := pool.Query(r.Context(), sql+sqltext.Format(")::text FROM {} ORDER BY id", sqltext.Table{Schema: r.graph.Schema, Name: t.Name}))
		if err != nil {
			r.Fatal(err)
		}
		read, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			r.Fatal(err)
		}
		for _, one := range read {
			lines = append(lines, t.Name+one)
		}
	}
	return lines
}

// same compares the rows of both databases, and both keys of the subscriber's rows. The applications must not write.
func (r *replication) same(when string, columns func(apps.Edge) []string) int64 {
	r.Helper()
	r.caughtUp()
	if diff := cmp.Diff(r.rows(r.publisher, columns), r.rows(r.subscriber, columns)); diff != "" {
		r.Errorf("%s: the subscriber's rows differ (-publisher +subscriber)\n%.3000s", when, diff)
	}
	proofs, err := apps.Prove(r.Context(), r.subscriber, r.graph)
	if err != nil {
		r.Fatal(err)
	}
	bad, rows := apps.Bad(proofs)
	if len(bad) > 0 {
		r.Errorf("%s: of %d rows of the subscriber: %+v", when, rows, bad)
	}
	return rows
}

func integerColumns(e apps.Edge) []string { return []string{e.Column} }
func bothColumns(e apps.Edge) []string    { return []string{e.Column, e.UUID()} }

// The subscriber is linked while a subscription fills its tables, then the publisher is linked and goes back, with both
// applications at work. No change fails to apply, and the subscriber's rows have both keys throughout.
func TestSubscriberAndPublisher(t *testing.T) {
	on(t, func(t *testing.T, c *server.Cluster) {
		r := newReplication(t, c, c, apps.Shop("shop", 60))
		traffic, err := apps.Start(t.Context(), apps.Options{URL: r.publisher.Config().ConnString(), Graph: r.graph, Pause: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer traffic.Stop()
		n := int64(100)
		if long() {
			n = 2000
		}
		r.traffic(traffic, n, 0)
		r.up(r.subscriber, rekey.Linked)
		r.traffic(traffic, n, 0)
		traffic.Pause(func() { r.same("the subscriber is linked", integerColumns) })
		r.up(r.publisher, rekey.Linked)
		traffic.Filled()
		r.traffic(traffic, n, n)
		var rows int64
		traffic.Pause(func() { rows = r.same("both are linked", bothColumns) })
		traffic.RetireUUIDs()
		if _, err := rekeytest.Down(t.Context(), r.publisher, r.setup(rekey.Expanded)); err != nil {
			t.Fatal(err)
		}
		r.traffic(traffic, n, 0)
		traffic.Stop()
		r.same("the publisher is expanded", integerColumns)
		f := traffic.Figures()
		if f.Failed+f.Wrong > 0 {
			t.Errorf("%s: %q", f, f.Errors)
		}
		if !t.Failed() {
			t.Logf("acceptance 10: PostgreSQL %d: subscriber and publisher linked, publisher back: every change was applied without an error; %d references of the subscriber; %s", c.Major, rows, f)
		}
	})
}
