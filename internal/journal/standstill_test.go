package journal

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// A standstill is told while it lasts, with its first moment, and dies with its run.
func TestStandstill(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), fresh(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		told := func() HeldLease {
			at, err := ActiveRun(ctx, pool, "public")
			must(t, err)
			return *at
		}
		must(t, lease.SetPauseReason(ctx, "it is paused"))
		first := told()
		must(t, lease.SetPauseReason(ctx, "a standby is behind"))
		second := told()
		if first.PauseReason != "it is paused" || first.PausedAt == nil || second.PauseReason != "a standby is behind" || !second.PausedAt.Equal(*first.PausedAt) {
			t.Errorf("told is %+v and then %+v", first, second)
		}
		must(t, lease.SetPauseReason(ctx, ""))
		if goes := told(); goes.PauseReason != "" || goes.PausedAt != nil {
			t.Errorf("it goes on, and told is %+v", goes)
		}
		must(t, lease.SetPauseReason(ctx, "paused again"))
		must(t, lease.Release(ctx))
		lease = silent(t, pool, "public") // and killed
		must(t, lease.SetPauseReason(ctx, "paused, and killed"))
		next, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		must(t, lease.SetPauseReason(ctx, "by one that has lost its lease"))
		if goes := told(); goes.PauseReason != "" {
			t.Errorf("the next run is told to stand still: %+v", goes)
		}
		must(t, next.SetPauseReason(ctx, "paused"))
		must(t, next.Release(ctx))
		if n := ask[int](t, pool, "SELECT count(*) FROM rekey.standstills"); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}
