package journal

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

func TestOrdersAreHeardInOrder(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), fresh(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		given := []Request{
			{Verb: Pause},
			{Verb: Tune, Pace: "gentle", MaxLag: 1500 * time.Millisecond, BatchTime: 20 * time.Millisecond},
			{Verb: Tune, BatchTime: time.Hour},
			{Verb: Resume},
			{Verb: Stop},
		}
		for _, order := range given {
			must(t, Send(ctx, pool, "public", order))
		}
		for _, want := range given {
			if got := <-lease.Requests(); got != want {
				t.Errorf("heard %+v, given was %+v", got, want)
			}
		}
		must(t, lease.Release(ctx))
	})
}

func TestOrderForNobody(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), open(t, servertest.Database(t, c).URL)
		stop := Request{Verb: Stop}
		wantProblem(t, Send(ctx, pool, "public", stop), problem.ErrFailed, "no_run")
		if ask[bool](t, pool, "SELECT to_regnamespace('rekey') IS NOT NULL") {
			t.Error("an order made a journal")
		}
		must(t, Ensure(ctx, pool))
		wantProblem(t, Send(ctx, pool, "public", stop), problem.ErrFailed, "no_run")
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		wantProblem(t, Send(ctx, pool, "other", stop), problem.ErrFailed, "no_run")
		must(t, lease.Release(ctx))
		silent(t, pool, "public")
		wantProblem(t, Send(ctx, pool, "public", stop), problem.ErrFailed, "no_run")
	})
}

// An order that the run it was given to did not hear is not for the next one.
func TestOrderDiesWithItsRun(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), fresh(t, c)
		_, err := take(ctx, pool, "public", Here("1.0", "up")) // deaf: it has no heartbeat
		must(t, err)
		must(t, Send(ctx, pool, "public", Request{Verb: Stop}))
		exec(t, pool, "UPDATE rekey.leases SET heartbeat = heartbeat - interval '1 minute'")
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		must(t, Send(ctx, pool, "public", Request{Verb: Pause}))
		if got := <-lease.Requests(); got.Verb != Pause {
			t.Errorf("heard %v", got)
		}
		if n := ask[int](t, pool, "SELECT count(*) FROM rekey.orders"); n != 0 {
			t.Errorf("%d orders for nobody are left", n)
		}
		must(t, lease.Release(ctx))
	})
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	for _, order := range []Request{
		{}, {Verb: "dance"}, {Verb: Tune}, {Verb: Pause, Pace: "full"}, {Verb: Tune, MaxLag: -1}, {Verb: Stop, BatchTime: 1},
	} {
		wantProblem(t, Send(t.Context(), nil, "public", order), problem.ErrUsage, "bad_order")
	}
}
