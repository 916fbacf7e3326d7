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

// TestKindOf: what an error asks for.
func TestKindOf(t *testing.T) {
	for state, want := range map[string]response{
		"40001": retry, "40P01": retry, "55P03": retry, "57014": shrink, "25P04": shrink,
		"25P03": reconnect, "57P01": reconnect, "57P02": reconnect, "57P03": reconnect, "57P05": reconnect, "53300": reconnect, "08006": reconnect,
		"53100": fatal, "54000": fatal, "23514": fatal, "42501": fatal, "25006": fatal,
	} {
		if got := responseTo(&pgconn.PgError{Code: state}); got != want {
			t.Errorf("%s asks for %d, want %d", state, got, want)
		}
	}
	for err, want := range map[error]response{io.EOF: reconnect, io.ErrUnexpectedEOF: reconnect, errors.New("x"): fatal, ErrBusy: retry} {
		if got := responseTo(err); got != want {
			t.Errorf("%v asks for %d, want %d", err, got, want)
		}
	}
}

// TestStandstill: a machine that is paused in the middle of a transaction, so that the server ends that for being
// idle or for taking too long, ends no filling.
func TestStandstill(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := lay(t, c, events(1))
		for name, still := range map[string]string{
			"idle":     "SET LOCAL idle_in_transaction_session_timeout = 1",
			"too long": "SET LOCAL statement_timeout = 1",
		} {
			w, times := b.work(), 0
			w.RetryTimeout = time.Minute
			err := w.RunTransaction(t.Context(), func() pg.Settings { return w.BatchSettings(MinStatementTimeout) }, func(tx pg.Tx) error {
				if times++; times == 1 {
					if _, err := tx.Exec(t.Context(), still); err != nil {
						return err
					}
					time.Sleep(500 * time.Millisecond)
				}
				_, err := tx.Exec(t.Context(), "SELECT pg_sleep(0.1)")
				return err
			})
			if err != nil || times != 2 {
				t.Errorf("%s: after %d times it ended with %v", name, times, err)
			}
		}
	})
}
