package pg

import (
	"errors"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestBlockerQueriesShowNoValues checks that the queries of blockers are shown without literals, even if the server
// has truncated them.
func TestBlockerQueriesShowNoValues(t *testing.T) {
	long := strings.Repeat("SECRET ", 400) // more than track_activity_query_size
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newTestDB(t, c)
		for _, query := range []string{
			"SELECT length('" + long + "')",
			"SELECT 1 /* it's */, length('SECRET')",
			`SELECT E'it\'s SECRET', length('SECRET')`,
			"SELECT $a$SECRET$a$, $$SECRET$$, 'SECRET'",
			"SELECT length($a$" + long + "$a$)",
			`SELECT length(E'` + strings.Repeat(`\'SECRET `, 300) + `')`,
			"SELECT 1 -- it's SECRET\n, 'SECRET'",
			"SELECT length('" + strings.Repeat("é", 1001) + "SECRET')",
			"SET standard_conforming_strings = off; SET escape_string_warning = off",
			`SELECT 'it\'s SECRET', length('SECRET')`,
			"SELECT 'SECRET'::int",
			"SET app.token = SECRET",
		} {
			holder := b.session("plain")
			hold := "BEGIN; LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE"
			if strings.HasPrefix(query, `SELECT 'it\'s`) {
				b.exec(holder, "SET standard_conforming_strings = off")
			}
			b.exec(holder, hold)
			_, _ = holder.Exec(t.Context(), query).ReadAll() // one of them fails and keeps its lock
			var seen []string
			stop := make(chan struct{})
			changer := b.changer()
			changer.Stop = stop
			changer.AttemptFailed = func(r FailedAttempt) {
				for _, blocker := range r.Blockers {
					if seen = append(seen, blocker.String()); len(seen) == 1 {
						close(stop)
					}
				}
			}
			_, err := changer.Do(t.Context(), addColumn())
			if strings.HasSuffix(query, "::int") { // the error has aborted the transaction and released its locks
				if err != nil {
					t.Errorf("%s: %v", query, err)
				}
				b.exec(holder, "ROLLBACK; ALTER TABLE public.t DROP c")
				_ = holder.Close(t.Context())
				continue
			}
			if !errors.Is(err, ErrStopped) || len(seen) == 0 || strings.Contains(seen[0], "SECRET") || !strings.Contains(seen[0], "SE") {
				t.Errorf("%.60s: %v, %q", query, err, seen)
			}
			b.exec(holder, "ROLLBACK")
			_ = holder.Close(t.Context())
		}
	})
}
