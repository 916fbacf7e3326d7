package run

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// TestHoldFailure checks after which errors the lock is tried again.
func TestHoldFailure(t *testing.T) {
	h := &tableHold{retryTimeout: time.Minute}
	ended, end := context.WithCancelCause(t.Context())
	end(errKilled)
	code := func(state string) error { return &pgconn.PgError{Severity: "ERROR", Code: state} }
	for name, test := range map[string]struct {
		ctx   context.Context
		err   error
		tried time.Duration
		fails bool
	}{
		"the lock was held":       {t.Context(), nil, 0, false},
		"others hold the table":   {t.Context(), code("55P03"), time.Second, false},
		"they do for too long":    {t.Context(), code("55P03"), 2 * time.Minute, true},
		"a deadlock":              {t.Context(), code("40P01"), 0, false},
		"the coordinator is away": {t.Context(), code("57P01"), 0, false},
		"the table was dropped":   {t.Context(), code("42P01"), 0, true},
		"no right to lock it":     {t.Context(), code("42501"), 0, true},
		"it was converted":        {t.Context(), message.TableAltered("app.t", "It was converted or dropped"), 0, true},
		"the run has ended":       {ended, code("55P03"), 0, true},
	} {
		if err := h.failure(test.ctx, test.err, 1, test.tried); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.failure(t.Context(), code("55P03"), 1, 2*time.Minute); !errors.Is(err, problem.ErrStopped) {
		t.Errorf("a lock that is not granted: %v", err)
	}
}

var errKilled = errors.New("killed")

// TestStopWhileTheTableIsNotLocked checks that a batch that cannot pass ends when the run is to end.
func TestStopWhileTheTableIsNotLocked(t *testing.T) {
	stop := make(chan struct{})
	h := &tableHold{stop: stop}
	h.gate.Lock()
	time.AfterFunc(10*time.Millisecond, func() { close(stop) })
	if _, err := h.pass(); !errors.Is(err, backfill.ErrStopped) {
		t.Errorf("the batch ended with %v", err)
	}
	h.gate.Unlock()
	h.stop = nil
	leave, err := h.pass()
	if err != nil {
		t.Fatal(err)
	}
	leave()
}
