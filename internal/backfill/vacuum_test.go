package backfill

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// If every row moves, a VACUUM between parts keeps the table from doubling. A failed VACUUM does not end the filling.
func TestVacuumsBetweenParts(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		percent := map[string]int64{}
		for _, how := range []string{"fails", "runs"} {
			b := newEnv(t, c, events(60000)+"ALTER TABLE t SET (autovacuum_enabled = off); CREATE UNIQUE INDEX ON t (uuid)")
			before := b.number("SELECT pg_relation_size('t')")
			w := b.job()
			w.Workers = 1
			// No batch is too slow on any machine: after short batches, space is reused without a VACUUM.
			w.Pace = pace.New(pace.Full, 10*time.Second)
			var notices []string
			w.Emit = func(e event.Event) {
				if n, ok := e.(event.Notice); ok {
					notices = append(notices, n.Text)
				}
			}
			switch how {
			case "fails":
				w.Vacuum = func(context.Context, string) error { return errors.New("cancelled") }
			case "runs":
				w.Vacuum = func(ctx context.Context, sql string) error {
					_, err := b.pool.Exec(ctx, sql)
					return err
				}
			}
			b.fill(w)
			b.requireFilled()
			percent[how] = b.number("SELECT pg_relation_size('t')") * 100 / before
			if reported := len(notices) > 0 && strings.Contains(notices[0], "VACUUM (SKIP_LOCKED, TRUNCATE false"); reported != (how == "runs") {
				t.Errorf("%s: the notices are %q", how, notices)
			}
		}
		if percent["fails"] < 180 || percent["runs"] > 140 {
			t.Errorf("the sizes in percent are %v", percent)
		}
	})
}
