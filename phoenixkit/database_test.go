package phoenixkit_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/phoenixkit"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// The roles of the tests: the owner of everything, with which rekey runs by default, a role that may insert, one that
// owns nothing, and a member of the owner.
const (
	owner    = `Phoenix "Owner"`
	writer   = "writer"
	stranger = "stranger"
	member   = "member"
	// superuser is the superuser of every test server.
	superuser = "postgres"
)

// The tables of a test database.
const (
	small    = "small"    // two of the 33
	renames  = "sync"     // one, and those that later migrations rename
	six      = "six"      // tables that the original migration leaves incomplete
	full     = "full"     // all 33
	migrated = "migrated" // small, migrated to version 40 by rekey
)

func tablesOf(size string) []string {
	switch size {
	case small, migrated:
		return []string{"phoenix_kit_users", "phoenix_kit_email_templates"}
	case renames:
		return []string{
			"phoenix_kit_users", "phoenix_kit_subscription_plans",
			"phoenix_kit_db_sync_connections", "phoenix_kit_db_sync_transfers",
		}
	case six:
		return []string{
			"phoenix_kit_users", "phoenix_kit_users_tokens", "phoenix_kit_user_roles",
			"phoenix_kit_user_role_assignments", "phoenix_kit_settings", "phoenix_kit_email_templates",
		}
	default:
		return phoenixkit.Profile().NamesAt(39)
	}
}

// database is a PhoenixKit database at version 39, in schema public, owned by an ordinary role.
type database struct {
	t     testing.TB
	c     *server.Cluster
	db    servertest.DB
	admin *pgxpool.Pool            // as superuser
	pools map[string]*pgxpool.Pool // by role
	saved []string                 // a fingerprint for a later comparison
}

func build(t testing.TB, c *server.Cluster, size string) *database {
	t.Helper()
	h := &database{t: t, c: c, db: servertest.Database(t, c, template(t, c, size)), pools: map[string]*pgxpool.Pool{}}
	h.admin = h.pool(superuser)
	h.mustExec(sqltext.Format("GRANT CREATE ON DATABASE {} TO {}", sqltext.Name(h.db.Name), sqltext.Name(owner)))
	return h
}

func template(t testing.TB, c *server.Cluster, size string) string {
	t.Helper()
	servertest.Template(t, c, "roles", func(url string) error {
		return execAs(t, url, superuser, filled("CREATE ROLE {owner} LOGIN; CREATE ROLE {writer} LOGIN; "+
			"CREATE ROLE {stranger} LOGIN; CREATE ROLE {member} LOGIN IN ROLE {owner}"))
	})
	return servertest.Template(t, c, size, func(url string) error { return fillTemplate(t, url, size) })
}

func fillTemplate(t testing.TB, url, size string) error {
	role := sqltext.Name(owner)
	err := execAs(t, url, superuser, sqltext.Format("GRANT ALL ON SCHEMA public TO {}; CREATE EXTENSION citext; CREATE EXTENSION pgcrypto", role))
	if err != nil {
		return err
	}
	pool, err := connect(url, owner)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := fixture.Install(t.Context(), pool, "public"); err != nil {
		return err
	}
	if size != full {
		if err := execAs(t, url, owner, "SET client_min_messages = warning; "+dropExcept(tablesOf(size))); err != nil {
			return err
		}
	}
	if err := fixture.Seed(t.Context(), pool, "public", fixture.Size{Others: 5}); err != nil || size != migrated {
		return err
	}
	if err := execAs(t, url, superuser, filled("CREATE SCHEMA rekey AUTHORIZATION {owner}")); err != nil {
		return err
	}
	_, err = phoenixkit.Up(t.Context(), pool, phoenixkit.Options{Version: 40})
	return err
}

// dropExcept drops all tables except the version table, one of the host's own, and the given ones. A small database is
// copied faster.
func dropExcept(tables []string) string {
	return sqltext.Format(`DO $$DECLARE name name; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (string_to_array({}, ' ')) LOOP
			EXECUTE format('DROP TABLE public.%I CASCADE', name);
		END LOOP; END$$`, sqltext.Value(strings.Join(tables, " ")+" phoenix_kit oban_jobs"))
}

func connect(url, role string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.User = role
	config.MaxConns = 2 // the documented minimum
	return pgxpool.NewWithConfig(context.Background(), config)
}

func execAs(t testing.TB, url, role, sql string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	config.User = role
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	return errors.Join(err, conn.Close(t.Context()))
}

// pool returns the role's pool of two connections.
func (h *database) pool(role string) *pgxpool.Pool {
	h.t.Helper()
	if h.pools[role] == nil {
		h.pools[role] = h.fresh(role)
	}
	return h.pools[role]
}

// fresh returns a new pool of two connections.
func (h *database) fresh(role string) *pgxpool.Pool {
	h.t.Helper()
	pool, err := connect(h.db.URL, role)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(pool.Close)
	return pool
}

// exec runs statements as a role, and resets the session.
func (h *database) exec(role, sql string) error {
	conn, err := h.pool(role).Acquire(h.t.Context())
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(h.t.Context(), sql).ReadAll()
	_, reset := conn.Conn().PgConn().Exec(h.t.Context(), "ROLLBACK; RESET ALL").ReadAll()
	return errors.Join(err, reset)
}

// mustExec runs statements as superuser.
func (h *database) mustExec(sql string) {
	h.t.Helper()
	if err := h.exec(superuser, sql); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
}

// queryOne returns one value as superuser.
func queryOne[T any](h *database, sql string) T {
	h.t.Helper()
	var value T
	if err := h.admin.QueryRow(h.t.Context(), sql).Scan(&value); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
	return value
}

// up and down run as a role.
func (h *database) up(role string, options ...func(*phoenixkit.Options)) (event.Result, error) {
	o := phoenixkit.Options{Version: 40}
	for _, option := range options {
		option(&o)
	}
	return phoenixkit.Up(h.t.Context(), h.pool(role), o)
}

func (h *database) down(role string, options ...func(*phoenixkit.Options)) (event.Result, error) {
	o := phoenixkit.Options{Version: 39}
	for _, option := range options {
		option(&o)
	}
	return phoenixkit.Down(h.t.Context(), h.pool(role), o)
}

// filled replaces {owner}, {writer} and so on by the role names.
func filled(sql string) string {
	return strings.NewReplacer(
		"{owner}", sqltext.Ident(owner), "{writer}", writer, "{stranger}", stranger, "{member}", member,
	).Replace(sql)
}

// function returns the statement that creates rekey's function in schema public on a server of the major version.
func function(major int) string {
	view := step.View{Server: catalog.Server{Version: major * 10000}}
	return step.EnsureFunction{Schema: "public"}.Apply(view)[0].SQL()[0]
}

// ownFunction creates rekey's function, owned by the role that runs rekey. set replaces {function}.
const ownFunction = `{function}; ALTER FUNCTION public.uuid_generate_v7() OWNER TO {owner};
`

// setUp runs the statements of a state's setup.
func (h *database) setUp(sql string) {
	h.t.Helper()
	h.mustExec(filled(strings.ReplaceAll(sql, "{function}", function(h.c.Major))))
}

// rename renames schema public, with everything in it, and creates an empty one.
func rename(prefix string) string {
	return sqltext.Format("ALTER SCHEMA public RENAME TO {}; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO ", sqltext.Name(prefix)) + "{owner};"
}

// install installs another PhoenixKit in schema public.
func (h *database) install() {
	h.t.Helper()
	if _, err := fixture.Install(h.t.Context(), h.pool(owner), "public"); err != nil {
		h.t.Fatal(err)
	}
}
