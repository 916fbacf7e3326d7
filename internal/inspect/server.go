package inspect

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

// OldestVersion is the oldest server_version_num whose catalogue rekey can read.
const OldestVersion = 130000

// Server reads the server and the session's role. If the server is too old or not PostgreSQL, only its version and flavor
// are set.
func Server(ctx context.Context, pool *pgxpool.Pool) (catalog.Server, error) {
	server, err := readBanner(ctx, pool)
	if err != nil || server.Flavor != "" || server.Version < OldestVersion {
		return server, err
	}
	if err = pg.Read(ctx, pool, func(tx pg.Tx) error { return readDetails(ctx, tx, &server) }); err == nil && server.Cluster != nil {
		err = readCluster(ctx, pool, server.Cluster)
	}
	return server, err
}

// commands returns the command tags of rekey's statements that can fire an event trigger.
func commands() []string {
	return []string{
		"ALTER FUNCTION", "ALTER INDEX", "ALTER TABLE", "COMMENT", "CREATE FUNCTION", "CREATE INDEX", "CREATE SCHEMA", "CREATE TABLE", "CREATE TRIGGER",
		"DROP FUNCTION", "DROP INDEX", "DROP TABLE", "DROP TRIGGER", "GRANT", "REINDEX", "REVOKE",
	}
}

// readBanner queries outside a transaction block, whose settings other servers may not know.
func readBanner(ctx context.Context, pool *pgxpool.Pool) (catalog.Server, error) {
	var (
		server  catalog.Server
		version string
		pid     uint32
		citus   bool
	)
	err := pg.WithConn(ctx, pool, func(ctx context.Context, conn *pgx.Conn) error {
		row := conn.QueryRow(ctx, queryText("banner"), pgx.QueryExecModeExec)
		err := row.Scan(&version, &server.Version, &pid, &citus)
		server.Pooled = pid != conn.PgConn().PID()
		return err
	})
	if err != nil {
		return server, err
	}
	server.VersionText = version
	server.Flavor = flavor(version)
	if citus {
		server.Cluster = &catalog.Cluster{}
	}
	return server, nil
}

func flavor(version string) string {
	switch {
	case strings.Contains(version, "CockroachDB"):
		return "CockroachDB"
	case strings.Contains(version, "-YB-"), strings.Contains(version, "YugabyteDB"):
		return "YugabyteDB"
	default:
		return ""
	}
}

type serverRow struct {
	VersionText, Database, Role, Session    string
	NoTablespace                            string
	Standby, ReadOnly, Superuser, BypassRLS bool
	Monitor, CreateDatabase                 bool
	DeadlockTimeout                         int
	Now                                     time.Time
}

func readDetails(ctx context.Context, tx pg.Tx, server *catalog.Server) error {
	found, err := rows[serverRow](ctx, tx, "server")
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return errors.New("the current role is not in pg_roles")
	}
	row := found[0]
	server.VersionText, server.Database = strings.Fields(row.VersionText)[0], row.Database
	server.Standby, server.ReadOnly, server.DeadlockTimeout, server.Now = row.Standby, row.ReadOnly, row.DeadlockTimeout, row.Now
	server.Role = catalog.Role{
		Name: row.Role, Session: row.Session, Superuser: row.Superuser, BypassRLS: row.BypassRLS, Monitor: row.Monitor,
		ReplicaRole: row.Superuser, CreateDatabase: row.CreateDatabase, NoTablespace: row.NoTablespace,
	}
	if !row.Superuser && server.Major() >= 15 {
		if err := tx.QueryRow(ctx, queryText("replica_role")).Scan(&server.Role.ReplicaRole); err != nil {
			return err
		}
	}
	if err := readJournalSchema(ctx, tx, &server.JournalSchema); err != nil {
		return err
	}
	if server.EventTriggers, err = rows[catalog.EventTrigger](ctx, tx, "event_triggers", commands()); err != nil {
		return err
	}
	return readStandbys(ctx, tx, server)
}

func readJournalSchema(ctx context.Context, tx pg.Tx, schema *catalog.JournalSchema) error {
	err := tx.QueryRow(ctx, queryText("journal")).
		Scan(&schema.Owner, &schema.Usage, &schema.Create, &schema.Tables, &schema.Write)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	schema.Exists = err == nil
	return err
}

func readStandbys(ctx context.Context, tx pg.Tx, server *catalog.Server) error {
	found, err := tx.Query(ctx, queryText("standbys"))
	if err != nil {
		return err
	}
	server.Standbys, err = pgx.CollectRows(found, pgx.RowToStructByPos[catalog.Standby])
	return err
}

// MissingRoles returns the names that no role has.
func MissingRoles(ctx context.Context, tx pg.Tx, names []string) ([]string, error) {
	found, err := tx.Query(ctx, queryText("missing_roles"), names)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}

// SchemasWithTable returns the schemas that have a table of that name.
func SchemasWithTable(ctx context.Context, tx pg.Tx, table string) ([]string, error) {
	found, err := tx.Query(ctx, queryText("schemas_with_table"), table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}
