package acceptance

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// childrenSQL has a parent with foreign keys of 42 tables, with each of three actions and three kinds of deferrability.
const childrenSQL = `CREATE SCHEMA app;
	CREATE TABLE app.p (id bigserial PRIMARY KEY, n int NOT NULL DEFAULT 0);
	DO $$ BEGIN
		FOR n IN 1..42 LOOP
			EXECUTE format('CREATE TABLE app.c%s (id bigserial PRIMARY KEY, p_id bigint CONSTRAINT "k %1$s" REFERENCES app.p ON DELETE %s %s)', n,
				(ARRAY['CASCADE', 'SET NULL', 'RESTRICT'])[1 + n % 3], (ARRAY['', 'DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED'])[1 + n / 3 % 3]);
			EXECUTE format('CREATE INDEX ON app.c%s (p_id); COMMENT ON CONSTRAINT "k %1$s" ON app.c%1$s IS ''%1$s''', n);
		END LOOP;
	END $$;
	INSERT INTO app.p SELECT generate_series(1, 1000);
	DO $$ BEGIN FOR n IN 1..42 LOOP EXECUTE format('INSERT INTO app.c%s (p_id) SELECT generate_series(1, 200)', n); END LOOP; END $$;
	ANALYZE`

// A parent with the foreign keys of 42 tables switches and goes back, while applications write. Another session reads at all times
// that each table has a valid foreign key.
func TestParentOfManyChildren(t *testing.T) {
	if !long() {
		t.Skip("minutes: REKEY_ACCEPTANCE=1; the steps alone are in TestKeyOfManyChildren of package steptest")
	}
	on(t, func(t *testing.T, c *server.Cluster) {
		r := trip{t, servertest.Pool(t, servertest.Database(t, c).URL+"&pool_max_conns=12"), "app", "7", c.Major}
		servertest.Execute(t, r.pool, childrenSQL)
		r.run("up", rekey.Linked)
		linked, before := r.catalogue(), r.foreignKeys()
		w := startWriter(t.Context(), r.pool, "INSERT INTO app.c1 (p_id) VALUES ($1)", "INSERT INTO app.c42 (p_uuid) SELECT uuid FROM app.p WHERE id = $1", "UPDATE app.p SET n = n + 1 WHERE id = $1")
		end := r.pollForeignKeys()
		r.run("up", rekey.Switched)
		switched := r.dependOn("p_id_key")
		if diff := r.foreignKeys(); len(diff) != len(before) || switched != len(before) {
			t.Errorf("%d of %d foreign keys, %d on the index of the integers", len(diff), len(before), switched)
		}
		for i, line := range r.foreignKeys() {
			if line != before[i] {
				t.Errorf("a foreign key is %s, want %s", line, before[i])
			}
		}
		r.run("down", rekey.Linked)
		polls := end()
		w.end(t)
		r.same("back in phase linked", linked)
		t.Logf("acceptance 7: PostgreSQL %d: %d of %d foreign keys depended on the index of the integers, definitions and comments as before; %d looks, 0 without 42 valid foreign keys; application: %d statements, longest %.1f ms",
			c.Major, switched, len(before), polls, w.count, milliseconds(w.longest))
	})
}

// foreignKeys returns the definitions and comments of the integer foreign keys.
func (r trip) foreignKeys() []string {
	r.Helper()
	rows, err := r.pool.Query(r.Context(), `SELECT format('%s %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'))
		FROM pg_constraint WHERE contype = 'f' AND conname LIKE 'k %' ORDER BY 1`)
	if err != nil {
		r.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		r.Fatal(err)
	}
	return lines
}

func (r trip) dependOn(index string) (n int) {
	r.Helper()
	if err := r.pool.QueryRow(r.Context(), "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conindid = $1::text::regclass", r.schema+"."+index).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

// pollForeignKeys reads again and again how many tables have a valid foreign key on the parent's integers. The function that it
// returns ends that and returns the number of reads.
func (r trip) pollForeignKeys() func() int {
	ctx, cancel := context.WithCancel(r.Context())
	var all sync.WaitGroup
	polls := 0
	all.Go(func() {
		for ctx.Err() == nil {
			var tables int
			err := r.pool.QueryRow(context.WithoutCancel(ctx), `SELECT count(DISTINCT k.conrelid) FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
				WHERE k.contype = 'f' AND k.convalidated AND k.confrelid = 'app.p'::regclass AND a.attname = 'p_id'`).Scan(&tables)
			if polls++; err != nil || tables != 42 {
				r.Errorf("%d tables have a valid foreign key: %v", tables, err)
				return
			}
		}
	})
	return func() int {
		cancel()
		all.Wait()
		return polls
	}
}
