package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// failingWriter fails every write.
type failingWriter struct{ err error }

func (b failingWriter) Write([]byte) (int, error) { return 0, b.err }

// A full disk is reported on standard error, a closed pipe is not. Neither stops a run.
func TestReportsFailedOutput(t *testing.T) {
	full := errors.New("no space left on device")
	for _, c := range []struct {
		name  string
		out   error
		words []string
		code  int
		shown int
	}{
		{"a full disk", full, phoenix("up", "--json"), 1, 1},
		{"a document on a full disk", full, phoenix("status", "--json"), 1, 1},
		{"a text on a full disk", full, phoenix("status"), 1, 1},
		{"a reader that went away", syscall.EPIPE, phoenix("up", "--json"), 0, 0},
		{"a reader of a document that went away", syscall.EPIPE, phoenix("status"), 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			ended := false
			l := library{
				connect: func(context.Context, connection) (*pgxpool.Pool, error) { return nil, nil }, //nolint:nilnil // a fake
				status: func(context.Context, *pgxpool.Pool, job) (rekey.Status, error) {
					return rekey.Status{}, nil
				},
				up: func(_ context.Context, _ *pgxpool.Pool, c job) (event.Result, error) {
					c.options.OnEvent(event.RunStarted{Command: "up"})
					ended = true
					return event.Result{}, nil
				},
			}
			var stderr bytes.Buffer
			code := run(t.Context(), Process{
				Args: c.words, Stdin: strings.NewReader(""), Stdout: io.Writer(failingWriter{c.out}), Stderr: &stderr,
				Getenv: func(string) string { return "" },
			}, l)
			shown := strings.Count(stderr.String(), "could not write to standard output")
			if code != c.code || shown != c.shown || c.words[0] == "up" && !ended {
				t.Errorf("exit %d, shown %d times, ended %v: %s", code, shown, ended, stderr.String())
			}
			if shown > 0 && !strings.Contains(stderr.String(), "HINT:") {
				t.Errorf("no hint: %s", stderr.String())
			}
		})
	}
}
