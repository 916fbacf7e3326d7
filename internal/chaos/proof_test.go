//go:build unix

package chaos

import (
	"context"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// compare looks at one row as it was read.
func (w *writer) compare(table string, id int64, want row, read map[int64]row) {
	got, there := read[id]
	switch {
	case !there:
		w.fault("row %d of %s is gone: %s", id, table, want)
	case !want.is(got):
		w.fault("row %d of %s is %s and not %s", id, table, got, want)
	case want.own == "" && want.seen != "" && want.seen != got.own && !w.mayForget(want.when):
		w.fault("row %d of %s had the uuid %s when it was read at %s, and has %q", id, table, want.seen, want.when.Format(time.TimeOnly), got.own)
	}
}

// prove shows that nothing was lost and nothing was left.
func (t *trial) prove() {
	t.Helper()
	h := t.house
	if diff := cmp.Diff(h.whole, h.shape(t.database)); diff != "" {
		t.fault("another end than of a run that nothing disturbed (-want +got)\n%s", diff)
	}
	t.kept()
	t.verified()
	t.noNull()
	t.nothingLeft()
}

// kept compares every row with the writers' records.
func (t *trial) kept() {
	t.Helper()
	read := t.house.rows(t.database)
	for _, table := range tables() {
		known := 0
		for _, w := range t.writers {
			for id, want := range w.shelves[table].rows {
				w.compare(table, id, want, read[table])
				if t.Failed() {
					return
				}
			}
			known += len(w.shelves[table].rows)
		}
		if known != len(read[table]) {
			t.fault("%s has %d rows, the writers know of %d", table, len(read[table]), known)
		}
	}
}

func (t *trial) verified() {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hangs)
	defer cancel()
	pool, err := pgxpool.New(ctx, t.house.cluster.URL(t.database))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := rekeytest.Verify(ctx, pool, config()); err != nil {
		t.fault("%v", err)
	}
	if result, err := rekeytest.Up(ctx, pool, config()); err != nil || !result.NothingToDo {
		t.fault("another run has something to do: %+v %v", result, err)
	}
}

// noNull counts by itself, and looks at the columns that nobody wrote.
func (t *trial) noNull() {
	t.Helper()
	for _, table := range tables() {
		if n := t.number64(sqltext.Format("SELECT count(*) FROM {} WHERE uuid IS NULL", named(table))); n > 0 {
			t.fault("%d rows of %s have no uuid", n, table)
		}
		if n := t.number64(sqltext.Format("SELECT count(*) - count(DISTINCT uuid) FROM {}", named(table))); n > 0 {
			t.fault("%d uuids of %s stand more than once", n, table)
		}
	}
	if n := t.number64(sqltext.Format(`SELECT count(*) FROM {} WHERE doc IS NOT NULL
		AND (filler IS DISTINCT FROM repeat(doc ->> 'md5', 5) OR doc ->> 'md5' IS DISTINCT FROM md5(doc ->> 'n'))`, named("wide"))); n > 0 {
		t.fault("%d rows of wide have other values in columns that nobody wrote", n)
	}
}

// nothingLeft looks for what a run that ended must not leave: a lease, orders, sessions.
func (t *trial) nothingLeft() {
	t.Helper()
	journal := []string{"leases", "orders", "cursors", "standstills"}
	if t.nothing { // the run before recorded the version and was cut off then: its lease falls by itself
		journal = []string{"orders", "cursors"}
	}
	for _, table := range journal {
		if n := t.number64("SELECT count(*) FROM rekey." + table); n > 0 {
			t.fault("%d rows are left in rekey.%s", n, table)
		}
	}
	const sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rekey'"
	left := t.number64(sessions)
	for deadline := time.Now().Add(hangs); left > 0 && time.Now().Before(deadline); left = t.number64(sessions) {
		time.Sleep(50 * time.Millisecond)
	}
	if left > 0 {
		t.fault("%d sessions of rekey are left", left)
	}
}

func (t *trial) number64(sql string) (n int64) {
	t.Helper()
	t.house.with(t.database, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(&n)
	})
	return n
}
