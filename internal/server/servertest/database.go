package servertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// statementTimeout bounds one statement on a server of tests, so that one that hangs is told of.
const statementTimeout = 5 * time.Minute

// DB is a database of one test.
type DB struct {
	Name string
	URL  string // over the loopback address, as superuser
}

// Database makes a database, empty or as a copy of a template, for this test. It is dropped when
// the test has passed, with whatever sessions it still has; when the test has failed it is kept and
// the test prints how to look at it.
func Database(t testing.TB, c *server.Cluster, template ...string) DB {
	t.Helper()
	source := "template1"
	if len(template) > 0 {
		source = template[0]
	}
	return database(t, c, sqltext.Format("TEMPLATE {}", sqltext.Name(source)))
}

// Encoded is Database, empty and in another encoding than UTF-8.
func Encoded(t testing.TB, c *server.Cluster, encoding string) DB {
	t.Helper()
	return database(t, c, sqltext.Format("TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'", sqltext.Value(encoding)))
}

func database(t testing.TB, c *server.Cluster, options string) DB {
	t.Helper()
	name := databaseName(t.Name())
	if err := execute(c, sqltext.Format("CREATE DATABASE {} ", sqltext.Name(name))+options); err != nil {
		t.Fatalf("database for the test: %v", err)
	}
	made := DB{Name: name, URL: c.URL(name)}
	t.Cleanup(func() {
		if t.Failed() {
			shared.keep(t, made)
			return
		}
		if err := execute(c, sqltext.Format("DROP DATABASE {} WITH (FORCE)", sqltext.Name(name))); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return made
}

// databaseName makes a name that tells the test, needs no quotes in a shell and is not used twice.
func databaseName(test string) string {
	plain := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(test), "_")
	const room = sqltext.MaxIdentifier - len("_ffffffff")
	return fmt.Sprintf("%s_%08x", plain[:min(len(plain), room)], rand.Uint32())
}

type templateKey struct {
	cluster *server.Cluster
	name    string
}

// template is a template database that is built once.
type template struct {
	once sync.Once
	err  error
}

// Template gives the name of a template database for Database, which build fills on its first use
// on this server. Nobody can connect to it afterwards.
func Template(t testing.TB, c *server.Cluster, name string, build func(url string) error) string {
	t.Helper()
	shared.mu.Lock()
	key := templateKey{c, name}
	entry := shared.template[key]
	if entry == nil {
		entry = &template{}
		shared.template[key] = entry
	}
	shared.mu.Unlock()
	database := "template_" + name
	entry.once.Do(func() { entry.err = buildTemplate(c, database, build) })
	if entry.err != nil {
		t.Fatalf("template database %s: %v", database, entry.err)
	}
	return database
}

func buildTemplate(c *server.Cluster, database string, build func(url string) error) error {
	name := sqltext.Name(database)
	if err := execute(c, sqltext.Format("CREATE DATABASE {}", name)); err != nil {
		return err
	}
	if err := build(c.URL(database)); err != nil {
		return err
	}
	// A session left open would make every copy fail, much later and without a reason.
	return execute(c, sqltext.Format("ALTER DATABASE {} ALLOW_CONNECTIONS false", name))
}

// execute runs a statement as superuser, outside of any test's database. The server waits 5 s for sessions that
// are about to leave a database which is copied or dropped; on a machine that stands still they take longer.
func execute(c *server.Cluster, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	for {
		err := once(ctx, c, statement)
		var refusal *pgconn.PgError
		if !errors.As(err, &refusal) || refusal.Code != pgerrcode.ObjectInUse || !strings.Contains(refusal.Message, "being accessed by other users") {
			return err
		}
		if ctx.Err() != nil {
			return err
		}
	}
}

// once sends a statement over the one session that is kept for this on the server: to begin one takes longer than to make a database.
func once(ctx context.Context, c *server.Cluster, statement string) error {
	k := shared.keeper(c)
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		kept := k.conn != nil
		if !kept {
			conn, err := pgx.Connect(ctx, c.URL("postgres"))
			if err != nil {
				return fmt.Errorf("%w, the server's log ends with:\n%s", err, c.Log())
			}
			k.conn = conn
		}
		_, err := k.conn.Exec(ctx, statement)
		if !k.conn.IsClosed() {
			return err
		}
		k.conn = nil
		if !kept { // else the server was started anew since
			return err
		}
	}
}

// keeper is the session of a server in which databases are made and dropped.
type keeper struct {
	mu   sync.Mutex
	conn *pgx.Conn
}

func (s *clusters) keeper(c *server.Cluster) *keeper {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keepers[c] == nil {
		s.keepers[c] = &keeper{}
	}
	return s.keepers[c]
}
