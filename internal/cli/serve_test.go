package cli

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
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
