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

// TestNoLookNoLock: where a standby cannot be looked at, or is none any more, no lock is taken, and the
// reason tells no password.
func TestNoLookNoLock(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c)
		config := b.pool.Config()
		config.ConnConfig.User, config.ConnConfig.Password = "nobody_here", "hunter2"
		shut, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(shut.Close)
		gone := shut.Config()
		gone.ConnConfig.Port = 1
		silent, err := pgxpool.NewWithConfig(t.Context(), gone)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(silent.Close)
		for says, pool := range map[string]*pgxpool.Pool{
			"is no standby any more": b.pool, `role "nobody_here" does not exist`: shut, "connection refused": silent,
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
			if taken, err := changer.Do(t.Context(), addColumn()); !errors.Is(err, ErrStopped) || taken.Exclusive {
				t.Errorf("%s: it ended with %+v %v", says, taken, err)
			}
			if len(seen) != 1 || !strings.HasPrefix(seen[0], "standby 127.0.0.1:") || !strings.Contains(seen[0], says) || strings.Contains(seen[0], "hunter2") {
				t.Errorf("%s: told is %q", says, seen)
			}
		}
	})
}

// TestOldOnStandby: short ones that follow each other never add up to an old one; the same one does, with
// or without an age.
func TestOldOnStandby(t *testing.T) {
	holder := func(transaction string, age time.Duration) sight {
		return sight{holders: []standing{{Backend{PID: 7, Age: age}, transaction}}}
	}
	const bound = time.Minute // longer than the machine may stall between two clocks
	seen := met{}
	for _, c := range []struct {
		s    sight
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
		t.Errorf("met an hour ago, and not old: %v", old)
	}
}
