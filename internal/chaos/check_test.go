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

// compare compares one row with the writer's record.
func (w *writer) compare(table string, id int64, want row, read map[int64]row) {
	got, present := read[id]
	switch {
	case !present:
		w.fault("row %d of %s is missing: %s", id, table, want)
	case !want.is(got):
		w.fault("row %d of %s is %s, want %s", id, table, got, want)
	case want.own == "" && want.seen != "" && want.seen != got.own && !w.mayForget(want.when):
		w.fault("the uuid of row %d of %s was %s when it was read at %s, and is %q", id, table, want.seen, want.when.Format(time.TimeOnly), got.own)
	}
}

// check checks that nothing was lost and nothing was left over.
func (t *trial) check() {
	t.Helper()
	h := t.server
	if diff := cmp.Diff(h.undisturbed, h.shape(t.database)); diff != "" {
		t.fault("the catalogue differs from the one after an undisturbed run (-want +got)\n%s", diff)
	}
	t.checkRows()
	t.checkVerify()
	t.checkUUIDs()
	t.checkLeftovers()
}

// checkRows compares every row with the writers' records.
func (t *trial) checkRows() {
	t.Helper()
	read := t.server.rows(t.database)
	for _, table := range tables() {
		known := 0
		for _, w := range t.writers {
			for id, want := range w.records[table].rows {
				w.compare(table, id, want, read[table])
				if t.Failed() {
					return
				}
			}
			known += len(w.records[table].rows)
		}
		if known != len(read[table]) {
			t.fault("%s has %d rows, the writers recorded %d", table, len(read[table]), known)
		}
	}
}

func (t *trial) checkVerify() {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	pool, err := pgxpool.New(ctx, t.server.cluster.URL(t.database))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := rekeytest.Verify(ctx, pool, config()); err != nil {
		t.fault("%v", err)
	}
	if result, err := rekeytest.Up(ctx, pool, config()); err != nil || !result.NothingToDo {
		t.fault("a second run has work to do: %+v %v", result, err)
	}
}

// checkUUIDs counts missing and duplicate uuids, and checks the columns that no writer changes.
func (t *trial) checkUUIDs() {
	t.Helper()
	for _, table := range tables() {
		if n := t.count(sqltext.Format("SELECT count(*) FROM {} WHERE uuid IS NULL", qualified(table))); n > 0 {
			t.fault("%d rows of %s have no uuid", n, table)
		}
		if n := t.count(sqltext.Format("SELECT count(*) - count(DISTINCT uuid) FROM {}", qualified(table))); n > 0 {
			t.fault("%d uuids of %s are duplicates", n, table)
		}
	}
	if n := t.count(sqltext.Format(`SELECT count(*) FROM {} WHERE doc IS NOT NULL
		AND (filler IS DISTINCT FROM repeat(doc ->> 'md5', 5) OR doc ->> 'md5' IS DISTINCT FROM md5(doc ->> 'n'))`, qualified("wide"))); n > 0 {
		t.fault("%d rows of wide changed in columns that no writer changes", n)
	}
}

// checkLeftovers checks that no lease, request or session of a finished run is left.
func (t *trial) checkLeftovers() {
	t.Helper()
	journal := []string{"leases", "orders", "cursors", "standstills"}
	if t.nothing { // the run before recorded the version and was then cut off: its lease expires by itself
		journal = []string{"orders", "cursors"}
	}
	for _, table := range journal {
		if n := t.count("SELECT count(*) FROM rekey." + table); n > 0 {
			t.fault("rekey.%s has %d leftover rows", table, n)
		}
	}
	const sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rekey'"
	left := t.count(sessions)
	for deadline := time.Now().Add(timeout); left > 0 && time.Now().Before(deadline); left = t.count(sessions) {
		time.Sleep(50 * time.Millisecond)
	}
	if left > 0 {
		t.fault("%d sessions of rekey are left", left)
	}
}

func (t *trial) count(sql string) (n int64) {
	t.Helper()
	t.server.with(t.database, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(&n)
	})
	return n
}
