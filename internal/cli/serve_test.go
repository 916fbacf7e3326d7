package cli

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/page"
	"github.com/rekey-pg/rekey/problem"
)

// TestUsedPortIsRefusedFirst checks that a port in use ends the command before it connects, with a hint.
func TestUsedPortIsRefusedFirst(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l := upWith(func(context.Context, *pgxpool.Pool, job) (event.Result, error) {
		t.Error("the run begins")
		return event.Result{}, nil
	})
	l.connect = func(context.Context, connection) (*pgxpool.Pool, error) {
		t.Error("it connects")
		return nil, nil //nolint:nilnil // a fake
	}
	got := try(t, l, nil, "up", "--schema", "app", "--serve", listener.Addr().String())
	if got.code != 1 || !strings.Contains(got.stderr, "Another program listens there. Nothing was changed.") || !strings.Contains(got.stderr, "HINT:") {
		t.Errorf("%+v", got)
	}
}

// TestServeRefusesAnUnknownSchema checks that serve names the schema on its first line, and ends if it does not exist.
func TestServeRefusesAnUnknownSchema(t *testing.T) {
	missing := &problem.Problem{Kind: problem.Refused, Code: "unknown_schema", Message: "no such schema", Hint: "Did you mean: --schema app"}
	l := library{
		schemas: func(_ context.Context, _ *pgxpool.Pool, pattern string) ([]string, error) {
			if pattern != "typo" {
				t.Errorf("asked for %q", pattern)
			}
			return nil, missing
		},
		follow: func(context.Context, *pgxpool.Pool, job, *page.Board) { t.Error("it follows") },
	}
	got := try(t, l, nil, "serve", "--schema", "typo", "--listen", "127.0.0.1:0")
	if got.code != 4 || !strings.HasPrefix(got.stderr, "serve: the runs in schema typo\n") || !strings.Contains(got.stderr, "HINT:  Did you mean") {
		t.Errorf("%+v", got)
	}
	if got := try(t, l, nil, "serve", "--schema", "tenant_*"); got.code != 2 || !strings.Contains(got.stderr, "one schema") {
		t.Errorf("%+v", got)
	}
}
