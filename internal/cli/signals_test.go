package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
)

// waitTimeout bounds a wait, so that a failing test ends.
const waitTimeout = 5 * time.Minute

// The first signal asks the run to stop, and leaves its context alive.
func TestFirstSignalStopsCleanly(t *testing.T) {
	for signal, code := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		t.Run(signal.String(), func(t *testing.T) {
			signals := make(chan os.Signal, 2)
			l := upWith(func(ctx context.Context, _ *pgxpool.Pool, c job) (event.Result, error) {
				signals <- signal
				select {
				case <-c.options.Stop:
				case <-time.After(waitTimeout):
					t.Error("Stop was never closed")
				}
				if ctx.Err() != nil {
					t.Error("the first signal cancels what is executed")
				}
				return event.Result{}, message.Interrupted(nil)
			})
			got := try(t, l, signals, phoenix("up")...)
			if got.code != code || !strings.Contains(got.stderr, "press Ctrl-C again") || !strings.Contains(got.stderr, "HINT:  Run the same command again") {
				t.Errorf("got %+v", got)
			}
			signals = make(chan os.Signal, 2)
			var result event.Result
			got = try(t, l, signals, phoenix("up", "--json")...)
			if got.last(t, &result); result.Exit != code || got.code != code {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// The second signal cancels the context, and any error after it counts as an interruption.
func TestSecondSignalCancels(t *testing.T) {
	signals := make(chan os.Signal, 2)
	signals <- os.Interrupt
	l := upWith(func(ctx context.Context, _ *pgxpool.Pool, c job) (event.Result, error) {
		<-c.options.Stop
		signals <- os.Interrupt
		select {
		case <-ctx.Done():
		case <-time.After(waitTimeout):
			t.Error("the context lives on")
		}
		return event.Result{}, fmt.Errorf("a batch: %w", ctx.Err())
	})
	got := try(t, l, signals, phoenix("up")...)
	if got.code != 130 || !strings.Contains(got.stderr, "ERROR:  interrupted") || !strings.Contains(got.stderr, "HINT:") {
		t.Errorf("got %+v", got)
	}
}

// Before the run has begun, the first signal cancels.
func TestSignalWhileConnecting(t *testing.T) {
	signals := make(chan os.Signal, 2)
	signals <- os.Interrupt
	waits := func(ctx context.Context, _ connection) (*pgxpool.Pool, error) {
		select {
		case <-ctx.Done():
		case <-time.After(waitTimeout):
			t.Error("the connecting goes on")
		}
		return nil, ctx.Err()
	}
	for _, command := range []string{"up", "down", "status", "plan", "verify"} {
		if got := try(t, library{connect: waits}, signals, phoenix(command)...); got.code != 130 {
			t.Errorf("%s: got %+v", command, got)
		}
		signals <- os.Interrupt
	}
}

// A run that still succeeds is reported as a success.
func TestSignalAfterLastBatch(t *testing.T) {
	signals := make(chan os.Signal, 2)
	signals <- os.Interrupt
	l := upWith(func(_ context.Context, _ *pgxpool.Pool, c job) (event.Result, error) {
		<-c.options.Stop
		return event.Result{}, nil
	})
	if got := try(t, l, signals, phoenix("up")...); got.code != 0 {
		t.Errorf("got %+v", got)
	}
}
