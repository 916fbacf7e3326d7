package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/problem"
)

// secret is the password in every string of TestPrintsNoPassword. No part of it may be printed.
const secret = "hunter2"

func TestPrintsNoPassword(t *testing.T) {
	for _, url := range []string{
		"postgres://app:hunter2@127.0.0.1:1/app",
		"postgres://app:hunt%er2@127.0.0.1:1/app",
		"postgres://app:hunter2@x@127.0.0.1:1/app",
		"postgres://app:hunter2/x@127.0.0.1:1/app",
		"postgres://app:hunter2?x@127.0.0.1:1/app",
		"postgres://app:hunter2#x@127.0.0.1:1/app",
		"postgres://app:hunter2 x@127.0.0.1:1/app",
		"postgres://app:`: invalid port hunter2@127.0.0.1:port/app",
		"postgres://app@127.0.0.1:hunter2/app",
		"postgres://127.0.0.1:1/app?password=hunter2",
		"postgres://127.0.0.1:1/app?password=hunter2&sslmode=bogus",
		"postgres://127.0.0.1:1/app?pass%77ord=hunter2&port=x",
		"postgres://app:x@127.0.0.1:1/app?hunter2=y",
		"postgres://[app:hunter2@127.0.0.1/app",
		"postgresql://app::hunter2@127.0.0.1:1:",
		"ecto://app:hunter2@127.0.0.1:1/app?pool_size=10",
		"mysql://app:hunter2@127.0.0.1:1/app",
		"mysql://app:hunter2@127.0.0.1:1/app?a=b",
		"http://app:hunter2@127.0.0.1:1",
		"://app:hunter2@127.0.0.1:1",
		"app:hunter2@127.0.0.1:1/app",
		"hunter2",
		"host=127.0.0.1 port=1 password=hunter2",
		"host=127.0.0.1 port=1 password='hunter2",
		"host=127.0.0.1 port=1 password = 'hunter2 x' bogus",
		"host=127.0.0.1 port=hunter2",
		"host=127.0.0.1 port=1 pasword=hunter2",
		"\x00postgres://app:hunter2@127.0.0.1:1/app",
	} {
		for _, words := range [][]string{
			phoenix("up", "--database-url", url), phoenix("up", "--database-url="+url), phoenix("plan", "--json", "--database-url", url),
			phoenix("up", url),
			{url},
			{"up", "-d" + url},
			{"up", "-d", url},
			{"up", "--databse-url=" + url},
			{"up", "--databse-url", url},
			phoenix("status", "--direct-url", url), phoenix("up", "--standby-url", url), phoenix("completion", url),
		} {
			l := live()
			if slices.Contains(words, "--direct-url") || slices.Contains(words, "--standby-url") {
				l.connect = onlyDirect
			}
			got := try(t, l, nil, words...)
			if got.code == 0 {
				t.Errorf("%q ended well", words)
			}
			for _, part := range []string{secret, "er2"} {
				if strings.Contains(got.stdout+got.stderr, part) {
					t.Errorf("%q prints a password:\n%s%s", words, got.stdout, got.stderr)
				}
			}
		}
	}
}

// onlyDirect returns a pool for the strings of --direct-url and --standby-url.
func onlyDirect(ctx context.Context, c connection) (*pgxpool.Pool, error) {
	if c.source == "--direct-url" || c.source == "--standby-url" {
		return connect(ctx, c)
	}
	return nil, nil //nolint:nilnil // a fake
}

func TestParsesConnectionStrings(t *testing.T) {
	config, err := connection{url: "ecto://app:s%40crt@db.example:6432/shop?application_name=other&options=-c%20search_path%3Dx&pool_max_conns=99&pool_min_conns=9&search_path=y"}.parse()
	if err != nil {
		t.Fatal(err)
	}
	c := config.ConnConfig
	if config.MaxConns != 4 || config.MinConns != 0 || c.Host != "db.example" || c.Port != 6432 || c.User != "app" || c.Password != "s@crt" || c.Database != "shop" {
		t.Errorf("got %+v", c)
	}
	if len(c.RuntimeParams) != 2 || c.RuntimeParams["application_name"] != "other" || c.RuntimeParams["options"] != "-c search_path=x" {
		t.Errorf("start-up parameters %v", c.RuntimeParams)
	}
	if c.DefaultQueryExecMode != pgx.QueryExecModeExec || c.ConnectTimeout != connectTimeout {
		t.Errorf("mode %v, timeout %v", c.DefaultQueryExecMode, c.ConnectTimeout)
	}
	config, err = connection{url: "postgres://h/d?connect_timeout=60"}.parse()
	if err != nil || config.ConnConfig.ConnectTimeout != time.Minute {
		t.Errorf("the user's own timeout is gone: %v, %v", config, err)
	}
}

// timeout is a net.Error.
type timeout struct{ error }

func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestExplainsConnectionErrors(t *testing.T) {
	said := func(code string) error { return &pgconn.PgError{Code: code, Message: "it says so"} }
	for _, c := range []struct {
		err     error
		code    string
		message string
	}{
		{said(pgerrcode.InvalidPassword), "authentication_failed", `rejected role "app"`},
		{said(pgerrcode.InvalidAuthorizationSpecification), "authentication_failed", `rejected role "app"`},
		{said(pgerrcode.InvalidCatalogName), "no_database", `database "shop" does not exist`},
		{said(pgerrcode.TooManyConnections), "too_many_connections", "allows no more connections"},
		{said(pgerrcode.CannotConnectNow), "not_ready", "accepts no connections yet"},
		{said(pgerrcode.ProtocolViolation), "connection_failed", "could not connect to"},
		{&net.DNSError{Err: "no such host", Name: "db"}, "unreachable", `could not find host "db"`},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "unreachable", "could not connect to db:5432"},
		{timeout{errors.New("i/o timeout")}, "unreachable", "could not connect to db:5432 in time"},
		{context.DeadlineExceeded, "unreachable", "could not connect to db:5432 in time"},
		{syscall.ENETUNREACH, "unreachable", "could not connect to db:5432"},
		{x509.UnknownAuthorityError{}, "tls", "could not encrypt the connection"},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "db"}, "tls", "could not encrypt the connection"},
		{errors.New("server refused TLS connection"), "tls", "could not encrypt the connection"},
		{errors.New("remote error: tls: handshake failure"), "tls", "could not encrypt the connection"},
	} {
		config := &pgx.ConnConfig{Config: pgconn.Config{Host: "db", Port: 5432, User: "app", Database: "shop"}}
		var got *problem.Problem
		if err := explain(fmt.Errorf("outside: %w", c.err), config); !errors.As(err, &got) {
			t.Errorf("%v became %v", c.err, err)
			continue
		}
		if got.Code != c.code || !strings.Contains(got.Message, c.message) || got.Hint == "" || got.Kind != problem.Failed || !errors.Is(got, c.err) && got.Cause == nil {
			t.Errorf("%v became %+v", c.err, got)
		}
	}
	if err := explain(context.Canceled, &pgx.ConnConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call became %v", err)
	}
}

// The description of a parse error repeats nothing of the string.
func TestParseFaultRepeatsNoText(t *testing.T) {
	err := pgconn.NewParseConfigError("postgres://h", "invalid port", errors.New("parsing "+secret))
	if got := parseFault(err); got != "the port is not a number from 1 to 65535" {
		t.Errorf("got %q", got)
	}
	if got := parseFault(pgconn.NewParseConfigError("x", "something new", errors.New(secret))); got != "" {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]string{
		"requirepeer": "", "TimeZone": "", "Keepalives_Idle": "", "dbnmae": "it has an unknown setting (did you mean dbname?)",
		secret + secret: "it has an unknown setting",
	} {
		if got := unknownSetting(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
