package pg

import (
	"errors"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestNoValuesOfBlockers: of the queries of those who hold a lock no value is in the refusal, also where the server
// has cut the query.
func TestNoValuesOfBlockers(t *testing.T) {
	long := strings.Repeat("SECRET ", 400) // more than track_activity_query_size
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c)
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
				b.run(holder, "SET standard_conforming_strings = off")
			}
			b.run(holder, hold)
			_, _ = holder.Exec(t.Context(), query).ReadAll() // one fails, and the lock stays
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
			if strings.HasSuffix(query, "::int") { // an error has ended the transaction, and its locks
				if err != nil {
					t.Errorf("%s: %v", query, err)
				}
				b.run(holder, "ROLLBACK; ALTER TABLE public.t DROP c")
				_ = holder.Close(t.Context())
				continue
			}
			if !errors.Is(err, ErrStopped) || len(seen) == 0 || strings.Contains(seen[0], "SECRET") || !strings.Contains(seen[0], "SE") {
				t.Errorf("%.60s: %v, %q", query, err, seen)
			}
			b.run(holder, "ROLLBACK")
			_ = holder.Close(t.Context())
		}
	})
}
