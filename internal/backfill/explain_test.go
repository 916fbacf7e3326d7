package backfill

import (
	"os"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestExplainThree prints the plan's description of three tables:
//
//	go test ./internal/backfill -run Explain -v
//
// docs/explanation/engine.md quotes them.
func TestExplainThree(t *testing.T) {
	text, err := os.ReadFile("../../docs/explanation/engine.md")
	if err != nil {
		t.Fatal(err)
	}
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for _, table := range []struct {
			name, sql string
			min, max  int64 // percent of heap-only updates, as the reason promises
		}{
			{"narrow rows on full pages", `CREATE TABLE t (id bigint PRIMARY KEY, user_id bigint, kind int, at timestamptz);
				INSERT INTO t SELECT g, g % 1000, g % 7, '2024-01-01'::timestamptz + g * interval '1 s' FROM generate_series(1, 72000) g;
				CREATE INDEX ON t (user_id)`, 40, 95},
			{"wide jsonb, fillfactor 70", `CREATE TABLE t (id bigint PRIMARY KEY, payload jsonb) WITH (fillfactor = 70);
				ALTER TABLE t ALTER payload SET STORAGE PLAIN;
				INSERT INTO t SELECT g, jsonb_build_object('n', g, 'text', repeat('x', 480)) FROM generate_series(1, 8000) g`, 60, 100},
			{"an index and a trigger that touches it", `CREATE TABLE t (id bigint PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
				INSERT INTO t SELECT g, 'name ' || g FROM generate_series(1, 72000) g;
				CREATE INDEX ON t (updated_at);
				CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END';
				CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()`, 0, 1},
		} {
			b := newEnv(t, c, table.sql)
			b.exec("VACUUM ANALYZE t") // cannot run in a transaction block with the others
			b.exec("ALTER TABLE t ADD uuid uuid")
			w := b.job()
			w.Server.Role.ReplicaRole = false // as for a plain role
			reason := Explain(w.Server, w.Table, w.Column).Reason
			t.Logf("%s:\n%s", table.name, lines(reason))
			if w.Server.Major() >= 14 && !strings.Contains(string(text), lines(reason)) { // 13 fills by key, with another reason
				t.Errorf("docs/explanation/engine.md does not quote the reason for %s", table.name)
			}
			w.Workers = 1 // see TestUpdatesAreHeapOnly
			rows := b.number("SELECT count(*) FROM t")
			b.fill(w)
			if hot := b.heapOnlyPercent(rows); hot < table.min || hot > table.max {
				t.Errorf("%s: %d %% of the updates are heap-only", table.name, hot)
			}
		}
	})
}

// lines wraps a text as the plan does at 80 columns.
func lines(text string) string {
	var all strings.Builder
	line := "-- how:"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 80 {
			all.WriteString(line + "\n")
			line = "--  "
		}
		line += " " + word
	}
	return all.String() + line
}
