package message

import "github.com/rekey-pg/rekey/problem"

import "fmt"

// TooOld is a server before PostgreSQL 13.
func ServerTooOld(version string) *problem.Problem {
	return refused("server_too_old", "", "the server is older than PostgreSQL 13", version,
		"Upgrade it first; rekey works on PostgreSQL 13 to 18.")
}

// BrokenCIC is a minor version whose CREATE INDEX CONCURRENTLY misses rows.
func ServerDefect(version string) *problem.Problem {
	return refused("server_defect", "", fmt.Sprintf("PostgreSQL %s builds broken indexes concurrently", version),
		"From 14.0 to 14.3 CREATE INDEX CONCURRENTLY misses rows that are updated meanwhile.", "Update to 14.4 or later first.")
}

// OtherFlavor is a server that speaks PostgreSQL's protocol and is another system.
func UnsupportedServer(flavor string) *problem.Problem {
	return refused("unsupported_server", "", "the server is "+flavor+", not PostgreSQL itself",
		"Its locks, indexes and schema changes work in other ways; nothing here is proved for it.", "rekey does not work on "+flavor+".")
}

// IsStandby is a server in recovery.
func ServerIsStandby() *problem.Problem {
	return refused("standby", "", "the server is a read-only standby", "pg_is_in_recovery() is true.",
		"Connect to the primary; in a list of hosts target_session_attrs=read-write finds it.")
}

// IsReadOnly is a session that is read-only by default, for other reasons than a standby's.
func ServerIsReadOnly() *problem.Problem {
	return refused("read_only", "", "transactions are read-only by default here", "default_transaction_read_only is on for this role or database.",
		"Connect as a role that may write, or let a DBA run: ALTER ROLE .. SET default_transaction_read_only = off;")
}

// BehindPooler is a pooler where a direct connection is needed.
func PoolerDetected() *problem.Problem {
	return refused("pooler", "", "a connection pooler stands between rekey and the server",
		"CREATE INDEX CONCURRENTLY needs a session of its own, and what it sets there must reach nobody else.",
		"Give the server's own address: --direct-url postgres://host:port/database")
}

// SmallPool is a pool that cannot do the work and watch over it.
func PoolTooSmall(most int32) *problem.Problem {
	return refused("small_pool", "", fmt.Sprintf("the pool has MaxConns %d, and two connections are needed", most),
		"One works, the other keeps the lease and looks at who blocks.", "Set MaxConns to 2 or more.")
}

// OtherDriver refuses a *sql.DB of another driver.
func OtherDriver(cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "other_driver", Message: "the *sql.DB uses another driver than pgx's stdlib",
		Hint: `Open it with sql.Open("pgx", …) of github.com/jackc/pgx/v5/stdlib, or pass a *pgxpool.Pool to rekey.New.`, Cause: cause,
	}
}

// BadPace is a pace that there is not.
func BadPace(cause error) *problem.Problem {
	return &problem.Problem{Kind: problem.Usage, Code: "bad_pace", Message: cause.Error(), Hint: "Use gentle, normal or full.", Cause: cause}
}

// NoPool is a call without a way to the database.
func NoPool() *problem.Problem {
	return &problem.Problem{Kind: problem.Usage, Code: "no_pool", Message: "the pool is nil", Hint: "Open one with pgxpool.New."}
}
