package backfill

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

func TestResponseTo(t *testing.T) {
	for state, want := range map[string]response{
		"40001": retry, "40P01": retry, "55P03": retry, "57014": shrink, "25P04": shrink,
		"25P03": reconnect, "57P01": reconnect, "57P02": reconnect, "57P03": reconnect, "57P05": reconnect, "53300": reconnect, "08006": reconnect,
		"53100": fatal, "54000": fatal, "23514": fatal, "42501": fatal, "25006": fatal,
	} {
		if got := responseTo(&pgconn.PgError{Code: state}); got != want {
			t.Errorf("the response to %s is %d, want %d", state, got, want)
		}
	}
	for err, want := range map[error]response{io.EOF: reconnect, io.ErrUnexpectedEOF: reconnect, errors.New("x"): fatal, ErrBusy: retry} {
		if got := responseTo(err); got != want {
			t.Errorf("the response to %v is %d, want %d", err, got, want)
		}
	}
}

// A machine that is suspended during a transaction, which the server ends for being idle or for taking too long, does not end
// the filling.
func TestContinuesAfterTimeouts(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(1))
		for name, timeout := range map[string]string{
			"idle":     "SET LOCAL idle_in_transaction_session_timeout = 1",
			"too long": "SET LOCAL statement_timeout = 1",
		} {
			w, attempts := b.job(), 0
			w.RetryTimeout = time.Minute
			e := NewEngine(w)
			err := e.Transaction(t.Context(), e.Settings, func(tx pg.Tx) error {
				if attempts++; attempts == 1 {
					if _, err := tx.Exec(t.Context(), timeout); err != nil {
						return err
					}
					time.Sleep(500 * time.Millisecond)
				}
				_, err := tx.Exec(t.Context(), "SELECT pg_sleep(0.1)")
				return err
			})
			if err != nil || attempts != 2 {
				t.Errorf("%s: after %d attempts it ended with %v", name, attempts, err)
			}
		}
	})
}
