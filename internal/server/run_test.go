package server_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// each runs a test on every version, with its installation.
func each(t *testing.T, test func(t *testing.T, installation server.Installation)) {
	for _, major := range servertest.Versions(t) {
		installation, err := server.Find(t.Context(), major)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(installation.Version, func(t *testing.T) { test(t, installation) })
	}
}

func start(t *testing.T, installation server.Installation, options server.Options) *server.Cluster {
	t.Helper()
	c, err := server.Start(t.Context(), installation, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// query returns the value that a query returns, on a new connection.
func query(t *testing.T, url, query string) string {
	t.Helper()
	session, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.Background())
	var answer string
	if err := session.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func do(t *testing.T, url, statement string) {
	t.Helper()
	session, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.Background())
	if _, err := session.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestServerServes(t *testing.T) {
	each(t, func(t *testing.T, installation server.Installation) {
		c := start(t, installation, server.Options{Settings: map[string]string{"application_name": `it's a \ test`}})
		version := query(t, c.URL("postgres"), "SHOW server_version")
		if !strings.HasPrefix(version, installation.Version) || !strings.HasPrefix(version, c.Version) {
			t.Errorf("server reports %s, installation %s, cluster %s", version, installation.Version, c.Version)
		}
		if got := query(t, c.URL("postgres"), "SHOW fsync"); got != "off" {
			t.Errorf("fsync is %s", got)
		}
		if got := query(t, c.URL("postgres"), "SELECT reset_val FROM pg_settings WHERE name = 'application_name'"); got != `it's a \ test` {
			t.Errorf("the setting is %q", got)
		}
		if got := query(t, c.SocketURL("postgres"), "SELECT coalesce(host(inet_client_addr()), 'socket')"); got != "socket" {
			t.Errorf("the socket's client address is %s", got)
		}
		if got := query(t, c.URL("postgres"), "SELECT usesuper::text FROM pg_user WHERE usename = current_user"); got != "true" {
			t.Error("not a superuser")
		}
	})
}

func TestKillAndRestart(t *testing.T) {
	each(t, func(t *testing.T, installation server.Installation) {
		c := start(t, installation, server.Options{Durable: true})
		do(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 'still here' AS what")
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
		if session, err := pgx.Connect(t.Context(), c.URL("postgres")); err == nil {
			_ = session.Close(t.Context())
			t.Fatal("the killed server accepts connections")
		}
		if err := c.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := query(t, c.URL("postgres"), "SELECT what FROM kept"); got != "still here" {
			t.Errorf("after the crash the table contains %q", got)
		}
		if !strings.Contains(c.Log(), "automatic recovery in progress") {
			t.Errorf("no crash recovery in the log:\n%s", c.Log())
		}
		if got := query(t, c.URL("postgres"), "SHOW fsync"); got != "on" {
			t.Errorf("a durable server has fsync %s", got)
		}
	})
}

func TestStop(t *testing.T) {
	each(t, func(t *testing.T, installation server.Installation) {
		c := start(t, installation, server.Options{})
		session, err := pgx.Connect(t.Context(), c.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := c.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := session.Ping(t.Context()); err == nil {
			t.Error("the session outlived the server")
		}
		if _, err := os.Stat(c.Dir()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory is still there: %v", err)
		}
		if err := c.Restart(t.Context()); !errors.Is(err, server.ErrStopped) {
			t.Errorf("restart after Stop: %v", err)
		}
	})
}

func TestStandby(t *testing.T) {
	each(t, func(t *testing.T, installation server.Installation) {
		c := start(t, installation, server.Options{})
		do(t, c.URL("postgres"), "CREATE TABLE before AS SELECT 1")
		standby, err := c.Standby(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := standby.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		if got := query(t, standby.URL("postgres"), "SELECT concat(pg_is_in_recovery(), ' ', to_regclass('before'))"); got != "t before" {
			t.Errorf("the standby returns %q", got)
		}
		do(t, c.URL("postgres"), "CREATE TABLE after AS SELECT 1")
		for query(t, standby.URL("postgres"), "SELECT coalesce(to_regclass('after')::text, '')") == "" {
			if t.Context().Err() != nil {
				t.Fatal("the standby does not follow")
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

func TestStartFails(t *testing.T) {
	installation, err := server.FindAny(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", shortDir(t))
	_, err = server.Start(t.Context(), installation, server.Options{Settings: map[string]string{"max_connections": "none"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "max_connections"`) {
		t.Errorf("the error does not contain the log: %v", err)
	}
	_, err = server.Start(t.Context(), installation, server.Options{Settings: map[string]string{"a": "x\nport = 1"}})
	if err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("a setting of two lines: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = server.Start(ended, installation, server.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// shortDir creates a directory for servers' directories that every user may write to, as /tmp.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rekey-test-") //nolint:usetesting // the path of a socket has at most 107 bytes, and t.TempDir is long and private
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}
