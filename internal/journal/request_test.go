package journal

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

func TestRequestsArriveInOrder(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), newJournal(t, c)
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		requests := []Request{
			{Verb: Pause},
			{Verb: Tune, Pace: "gentle", MaxLag: 1500 * time.Millisecond, BatchTime: 20 * time.Millisecond},
			{Verb: Tune, BatchTime: time.Hour},
			{Verb: Resume},
			{Verb: Stop},
		}
		for _, request := range requests {
			must(t, Send(ctx, pool, "public", request))
		}
		for _, want := range requests {
			if got := <-lease.Requests(); got != want {
				t.Errorf("received %+v, want %+v", got, want)
			}
		}
		must(t, lease.Release(ctx))
	})
}

func TestSendWithoutRunFails(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), openPool(t, servertest.Database(t, c).URL)
		stop := Request{Verb: Stop}
		wantProblem(t, Send(ctx, pool, "public", stop), problem.ErrFailed, "no_run")
		if queryValue[bool](t, pool, "SELECT to_regnamespace('rekey') IS NOT NULL") {
			t.Error("Send created a journal")
		}
		must(t, Ensure(ctx, pool))
		wantProblem(t, Send(ctx, pool, "public", stop), problem.ErrFailed, "no_run")
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		wantProblem(t, Send(ctx, pool, "other", stop), problem.ErrFailed, "no_run")
		must(t, lease.Release(ctx))
		acquireSilent(t, pool, "public")
		wantProblem(t, Send(ctx, pool, "public", stop), problem.ErrFailed, "no_run")
	})
}

// TestRequestIsNotForTheNextRun checks that a request which its run did not read is not delivered to the next run.
func TestRequestIsNotForTheNextRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), newJournal(t, c)
		_, err := acquire(ctx, pool, "public", Here("1.0", "up")) // without a heartbeat it reads no requests
		must(t, err)
		must(t, Send(ctx, pool, "public", Request{Verb: Stop}))
		exec(t, pool, "UPDATE rekey.leases SET heartbeat = heartbeat - interval '1 minute'")
		lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
		must(t, err)
		must(t, Send(ctx, pool, "public", Request{Verb: Pause}))
		if got := <-lease.Requests(); got.Verb != Pause {
			t.Errorf("received %v", got)
		}
		if n := queryValue[int](t, pool, "SELECT count(*) FROM rekey.orders"); n != 0 {
			t.Errorf("%d requests are left", n)
		}
		must(t, lease.Release(ctx))
	})
}

func TestInvalidRequestsAreRefused(t *testing.T) {
	for _, request := range []Request{
		{}, {Verb: "dance"}, {Verb: Tune}, {Verb: Pause, Pace: "full"}, {Verb: Tune, MaxLag: -1}, {Verb: Stop, BatchTime: 1},
	} {
		wantProblem(t, Send(t.Context(), nil, "public", request), problem.ErrUsage, "bad_request")
	}
}
