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

// statementTimeout limits each statement on a test server, so that a statement that hangs fails.
const statementTimeout = 5 * time.Minute

// firstStrategy is the first version whose default writes a new database to the WAL. To copy the files, as before, takes less than half of
// the time.
const firstStrategy = 15

// DB is the database of one test.
type DB struct {
	Name string
	URL  string // the superuser's connection string over the loopback address
}

// Database creates a database for this test, empty or as a copy of a template. It is dropped when the test has passed,
// even if it has sessions. If the test fails, the database is kept and the test prints how to connect to it.
func Database(t testing.TB, c *server.Cluster, template ...string) DB {
	t.Helper()
	source := "template1"
	if len(template) > 0 {
		source = template[0]
	}
	return database(t, c, sqltext.Format("TEMPLATE {}", sqltext.Name(source)))
}

// Encoded creates an empty database as Database does, with an encoding other than UTF-8.
func Encoded(t testing.TB, c *server.Cluster, encoding string) DB {
	t.Helper()
	return database(t, c, sqltext.Format("TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'", sqltext.Value(encoding)))
}

func database(t testing.TB, c *server.Cluster, options string) DB {
	t.Helper()
	name := databaseName(t.Name())
	if c.Major >= firstStrategy {
		options += " STRATEGY file_copy"
	}
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

// databaseName returns a unique name that contains the test's name and needs no quotes in a shell.
func databaseName(test string) string {
	plain := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(test), "_")
	const space = sqltext.MaxIdentifier - len("_ffffffff")
	return fmt.Sprintf("%s_%08x", plain[:min(len(plain), space)], rand.Uint32())
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

// Template returns the name of a template database for Database. build fills it on its first use on this server. It
// accepts no connections afterwards.
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
	// An open session would make every copy fail, much later and without a reason.
	return execute(c, sqltext.Format("ALTER DATABASE {} ALLOW_CONNECTIONS false", name))
}

// execute runs a statement as superuser, outside of any test's database. The server waits 5 s for sessions that are
// about to leave a database before it is copied or dropped; on a busy machine they take longer, so execute retries.
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

// once sends a statement over a session that is kept for this purpose: to open one takes longer than to create a
// database.
func once(ctx context.Context, c *server.Cluster, statement string) error {
	k := shared.keeper(c)
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		kept := k.conn != nil
		if !kept {
			conn, err := pgx.Connect(ctx, c.URL("postgres"))
			if err != nil {
				return fmt.Errorf("%w; the end of the server's log:\n%s", err, c.Log())
			}
			k.conn = conn
		}
		_, err := k.conn.Exec(ctx, statement)
		if !k.conn.IsClosed() {
			return err
		}
		k.conn = nil
		if !kept { // unless the session failed because the server restarted
			return err
		}
	}
}

// keeper is the session of a server that creates and drops databases.
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
