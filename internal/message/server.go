package message

import (
	"fmt"

	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// ServerTooOld returns the refusal of a server older than PostgreSQL 13. Version is such as "12.5".
func ServerTooOld(version string) *problem.Problem {
	return refused("server_too_old", "", "the server is older than PostgreSQL 13", "It is PostgreSQL "+version+".",
		"Upgrade it first. rekey supports PostgreSQL 13 to 18.")
}

// ServerDefect returns the refusal of a minor version whose CREATE INDEX CONCURRENTLY misses rows.
func ServerDefect(version string) *problem.Problem {
	return refused("server_defect", "", fmt.Sprintf("PostgreSQL %s builds corrupt indexes with CREATE INDEX CONCURRENTLY", version),
		"From 14.0 to 14.3 such an index can miss rows that are updated during the build.", "Update the server to 14.4 or later first.")
}

// UnsupportedServer returns the refusal of a system that implements PostgreSQL's protocol but is not PostgreSQL.
func UnsupportedServer(flavor string) *problem.Problem {
	return refused("unsupported_server", "", "the server is "+flavor+", not PostgreSQL",
		"Its locks, indexes and schema changes differ, and rekey is not tested with it.", "Connect to a PostgreSQL server, version 13 to 18.")
}

// ServerIsStandby returns the refusal of a server in recovery.
func ServerIsStandby() *problem.Problem {
	return refused("standby", "", "the server is a read-only standby", "Its pg_is_in_recovery() is true.",
		"Connect to the primary. With several hosts in --database-url, add target_session_attrs=read-write.")
}

// ServerIsReadOnly returns the refusal of a primary on which transactions are read-only by default.
func ServerIsReadOnly() *problem.Problem {
	return refused("read_only", "", "transactions are read-only by default", "The setting default_transaction_read_only is on for this role or database.",
		"Connect as a role that may write. Or let a DBA run: ALTER ROLE .. SET default_transaction_read_only = off;")
}

// PoolerDetected returns the refusal of a connection through a pooler if no direct URL is given.
func PoolerDetected() *problem.Problem {
	return refused("pooler", "", "the connection goes through a pooler",
		"CREATE INDEX CONCURRENTLY needs a session of its own, and settings of this session must not reach other clients.",
		"Add the address of the server itself: --direct-url postgres://host:port/database")
}

// PoolTooSmall returns the refusal of a pool with fewer than two connections.
func PoolTooSmall(most int32) *problem.Problem {
	return refused("small_pool", "", fmt.Sprintf("MaxConns of the pool is %d, must be at least 2", most),
		"One connection migrates, another renews the lease and finds blocking sessions.", "Set MaxConns to 2 or more.")
}

// DirectURLMismatch returns the refusal of a direct URL that leads to another server or database than the pooler.
func DirectURLMismatch() *problem.Problem {
	return refused("direct_url_mismatch", "", "--direct-url leads to another database than the pooler",
		"The start times of the servers or the oids of the databases differ.", "Set --direct-url to the server and database that the pooler's configuration names.")
}

// NoPool returns the problem of a call without a pool.
func NoPool() *problem.Problem {
	return usage("no_pool", "the pool is nil", "", "Create one with pgxpool.New.")
}

// OtherDriver returns the problem of a *sql.DB that another driver than pgx opened.
func OtherDriver(cause error) *problem.Problem {
	p := usage("other_driver", "the driver of the *sql.DB is not pgx", "",
		`Open it with sql.Open("pgx", …) and github.com/jackc/pgx/v5/stdlib, or pass a *pgxpool.Pool to rekey.New.`)
	p.Cause = cause
	return p
}

// BadScope refuses a scope that is neither a Schema nor a Profile.
func BadScope() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "no_scope", Message: "the scope must be a rekey.Schema or a rekey.Profile",
		Hint: `Pass rekey.Schema{Name: "app"} or a rekey.Profile, not nil and not a pointer.`,
	}
}

// BadDirection refuses a direction that is neither up nor down.
func BadDirection(direction string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "bad_direction", Message: fmt.Sprintf("the direction cannot be %q", visible.Truncate(visible.Line(direction), mostDirection)),
		Hint: "Use rekey.Up or rekey.Down.",
	}
}

// mostDirection is how many characters of a direction are repeated.
const mostDirection = 40
