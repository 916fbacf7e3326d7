package pg

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestUnreadableStandbyPreventsLock checks that no lock is taken while a standby cannot be read or is no longer
// one, and that the reason shows no password.
func TestUnreadableStandbyPreventsLock(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		config := b.pool.Config()
		config.ConnConfig.User, config.ConnConfig.Password = "nobody_here", "hunter2"
		unauthorized, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(unauthorized.Close)
		gone := unauthorized.Config()
		gone.ConnConfig.Port = 1
		silent, err := pgxpool.NewWithConfig(t.Context(), gone)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(silent.Close)
		for says, pool := range map[string]*pgxpool.Pool{
			"is no longer a standby": b.pool, `role "nobody_here" does not exist`: unauthorized, "connection refused": silent,
		} {
			stop := make(chan struct{})
			var seen []string
			changer := b.changer()
			changer.Standbys, changer.Stop = Standbys([]*pgxpool.Pool{pool}), stop
			changer.AttemptFailed = func(r FailedAttempt) {
				for _, blocker := range r.Blockers {
					seen = append(seen, blocker.String())
				}
				close(stop)
			}
			if taken, err := changer.Do(t.Context(), addColumn()); !errors.Is(err, ErrStopped) || taken.Blocked {
				t.Errorf("%s: Do returned %+v, %v", says, taken, err)
			}
			if len(seen) != 1 || !strings.HasPrefix(seen[0], "standby 127.0.0.1:") || !strings.Contains(seen[0], says) || strings.Contains(seen[0], "hunter2") {
				t.Errorf("%s: blockers are %q", says, seen)
			}
		}
	})
}

// TestOldHoldersOnStandby checks that short transactions in a row never count as one old transaction, and that one
// that lasts does, with or without a known age.
func TestOldHoldersOnStandby(t *testing.T) {
	holder := func(transaction string, age time.Duration) standbyState {
		return standbyState{holders: []lockHolder{{Backend{PID: 7, Age: age}, transaction}}}
	}
	const bound = time.Minute // longer than the machine may stall between two clocks
	seen := firstSeen{}
	for _, c := range []struct {
		s    standbyState
		want int
	}{
		{holder("2/1", 0), 0},
		{holder("2/2", time.Millisecond), 0},
		{holder("2/3", bound), 1},
	} {
		if old := c.s.old(seen, bound); len(old) != c.want {
			t.Errorf("%+v: %v", c.s, old)
		}
	}
	seen["2/9"] = time.Now().Add(-time.Hour)
	if old := holder("2/9", 0).old(seen, bound); len(old) != 1 {
		t.Errorf("a transaction first seen an hour ago is not old: %v", old)
	}
}
