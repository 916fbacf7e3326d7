package journal

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestPauseReasonEndsWithItsRun checks that a pause keeps the time of its first reason and is removed with its run.
func TestPauseReasonEndsWithItsRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), newJournal(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		load := func() HeldLease {
			at, err := ActiveRun(ctx, pool, "public")
			must(t, err)
			return *at
		}
		must(t, lease.SetPauseReason(ctx, "paused"))
		first := load()
		must(t, lease.SetPauseReason(ctx, "a standby lags"))
		second := load()
		if first.PauseReason != "paused" || first.PausedAt == nil || second.PauseReason != "a standby lags" || !second.PausedAt.Equal(*first.PausedAt) {
			t.Errorf("loaded %+v and then %+v", first, second)
		}
		must(t, lease.SetPauseReason(ctx, ""))
		if got := load(); got.PauseReason != "" || got.PausedAt != nil {
			t.Errorf("the pause has ended, loaded %+v", got)
		}
		must(t, lease.SetPauseReason(ctx, "paused again"))
		must(t, lease.Release(ctx))
		lease = acquireSilent(t, pool, "public") // and its process is killed
		must(t, lease.SetPauseReason(ctx, "paused, and killed"))
		next, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		must(t, lease.SetPauseReason(ctx, "by a run that has lost its lease"))
		if got := load(); got.PauseReason != "" {
			t.Errorf("the next run has a pause reason: %+v", got)
		}
		must(t, next.SetPauseReason(ctx, "paused"))
		must(t, next.Release(ctx))
		if n := queryValue[int](t, pool, "SELECT count(*) FROM rekey.standstills"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}
