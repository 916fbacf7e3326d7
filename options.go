package rekey

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
)

// Options configures a [Migrator]. The zero value of every field is its default.
type Options struct {
	// To is the phase that a run ends in. Up goes to [Expanded] or [Linked], Down to [Expanded] or [Integers].
	// Default: Expanded on the way up, Integers on the way down.
	To Phase
	// Arbiter says which unique indexes stay usable for INSERT .. ON CONFLICT in phase [Linked]. Up with another value
	// changes the indexes of a linked schema. Default: as they are, [ArbiterInteger] for new references.
	Arbiter Arbiter
	// Accept names the hazards that the caller accepts: what phase [Switched] changes for statements of the application. Up is
	// refused while a hazard of the plan is not accepted. Default: none.
	Accept []HazardName
	// Confirm is the name of the schema, which Up to phase [Contracted] requires: it drops the integer columns.
	Confirm string
	// Soak is how long ago the last primary key must have switched before Up goes to phase [Contracted]. NoSoak is no
	// time at all. Default: 24h.
	Soak time.Duration
	// KeepID keeps the integer columns of the primary keys, as plain unique columns, in phase [Contracted]. Default: they
	// are dropped.
	KeepID bool
	// RenameKeys gives the uuid columns of a schema in phase [Contracted] the names of the integers that have ended, one short
	// transaction for each table. It needs Confirm too. Default: they keep their names.
	RenameKeys bool
	// Locks bounds the waits for locks.
	Locks LockOptions
	// Backfill sets the speed of the backfill.
	Backfill BackfillOptions
	// Throttle says when a run pauses by itself.
	Throttle ThrottleOptions
	// Values says which UUIDs existing rows get.
	Values ValueOptions
	// Permissions allows what is refused by default.
	Permissions PermissionOptions
	// Forecast says what the forecast of a plan and of a run is made from.
	Forecast ForecastOptions
	// Cluster says how to reach the nodes of a Citus cluster.
	Cluster ClusterOptions

	// Tables holds what single tables get differently, by the table's name without the schema.
	Tables map[string]TableOptions

	// Direct connects to the server itself if the pool goes through a pooler in transaction mode. Indexes
	// and catalogue changes use it. Default: the pool.
	Direct *pgxpool.Pool
	// Standbys connect to the same database on standbys, one pool for each; one connection of each is
	// used. While a query there would delay the replay of a lock for longer than Locks.Timeout, no lock
	// is taken.
	Standbys []*pgxpool.Pool
	// Stop ends a run at the next clean point when it is closed. Canceling the context cancels the statement
	// that is running instead. Both keep everything that is committed, and the same call resumes.
	Stop <-chan struct{}
	// OnEvent receives the events of a run, one at a time and in order. The run waits for it. Runs that share it
	// call it concurrently. Default: the events are discarded.
	OnEvent func(event.Event)
}

// NoSoak lets Up go to phase [Contracted] immediately after the switch.
const NoSoak time.Duration = 1

// LockOptions bounds the waits for locks that other sessions queue behind.
type LockOptions struct {
	// Timeout is the lock_timeout of each attempt to take an ACCESS EXCLUSIVE lock, between 1ms and 1s.
	// Default: 50ms.
	Timeout time.Duration
	// RetryTimeout is how long a lock is attempted in all before the run gives up with an error that
	// matches [problem.ErrStopped]. The pauses between the attempts grow. Default: 40m.
	RetryTimeout time.Duration
}

// BackfillOptions sets the speed at which existing rows are filled.
type BackfillOptions struct {
	// Pace is how much of the time the backfill works, and the default of MaxImpact. Default: [PaceNormal].
	Pace Pace
	// MaxImpact is how many times as long as at rest the application's commits and reads may take while a large table is
	// filled, between 1.05 and 100: the run measures both on a connection of its own, and changes the number of its
	// workers, its batches and its pauses so that 95 percent of them stay within the limit. [NoMaxImpact] is no limit.
	// Default: 1.2 at [PaceGentle], 1.5 at [PaceNormal], none at [PaceFull].
	MaxImpact float64
	// BatchTime is the time that one transaction of the backfill aims at, between 1ms and 10s.
	// Default: 50ms.
	BatchTime time.Duration
}

// NoMaxImpact lets a run work at its pace, whatever the application feels.
const NoMaxImpact float64 = -1

// Pace is a speed of the backfill.
type Pace string

// The speeds of the backfill.
const (
	PaceGentle Pace = "gentle" // rests for most of the time
	PaceNormal Pace = "normal" // rests a third of the time
	PaceFull   Pace = "full"   // does not rest
)

// ThrottleOptions says when a run pauses by itself.
type ThrottleOptions struct {
	// MaxLag is how far a standby or a logical subscriber may lag before the run pauses. Default: 10s.
	MaxLag time.Duration
	// MaxRetainedWAL is how many bytes of WAL a replication slot may retain before the run pauses.
	// Default: 10 GB.
	MaxRetainedWAL int64
	// MaxSnapshotAge is how old the oldest snapshot may be before the backfill pauses; such a snapshot
	// keeps dead rows from being removed. Default: never; old snapshots are only reported.
	MaxSnapshotAge time.Duration
	// Query is a SELECT of one row and one column that runs every second in a read-only transaction. The
	// run pauses while it returns true or a text that is not empty. Names in it must be schema-qualified.
	Query string
	// File is the path of a file; the run pauses while it exists.
	File string
	// Without names signals to ignore: lag, wal, snapshots, wraparound, query, file, standby.
	Without []string
}

// ValueOptions says which UUIDs existing rows get.
type ValueOptions struct {
	// Source is the default of all tables: [CreationTime] or [MigrationTime]. Default: CreationTime.
	Source ValueSource
	// TimeZone is the zone of timestamps without one. Default: "UTC".
	TimeZone string
}

// PermissionOptions allows what is refused by default.
type PermissionOptions struct {
	// TrustOwners names roles whose code may run with the rights of the role that rekey connects as: the
	// checks, index expressions and triggers of their tables, their functions, and their journal.
	// Default: a role trusts itself, superusers, and roles that can become it.
	TrustOwners []string
	// FireTriggers allows the application's UPDATE triggers to fire on the rows that are filled.
	FireTriggers bool
	// SubscribersReady says that the tables of every logical subscriber have the new column.
	SubscribersReady bool
}

// ClusterOptions says how to reach the nodes of a Citus cluster. Up fills rows on the nodes that hold them, and Verify reads their order
// there, over connections of their own. Without a cluster MaxPerNode has no effect.
type ClusterOptions struct {
	// MaxPerNode is how many connections Up, or Verify, has to each node at a time, 6 or more. Default: 8.
	MaxPerNode int
	// Nodes holds the configuration of the connections to single nodes, by "host:port" as pg_dist_node has them: where these lead
	// elsewhere, or a node needs another password or certificate. The limits of its pool are replaced. An address that no node has
	// matches [problem.ErrUsage]. Default: the configuration of Direct, with the host and port of the node.
	Nodes map[string]*pgxpool.Config
}

// TableOptions is what one table gets differently from the others.
type TableOptions struct {
	// Column is the name of the new column. It needs a scope of type [Schema]. Default: the scope's.
	Column string
	// IndexName is the name, or the pattern of the name, of the unique index. It needs a scope of type
	// [Schema]. Default: the scope's.
	IndexName string
	// Values says which UUIDs the existing rows of the table get. For a [TimeColumn] the key of
	// Options.Tables may be a pattern; it applies to the tables that have the column. Default: Options.Values.
	Values ValueSource
}

// ValueSource says which time the UUIDs of existing rows carry. Its zero value is the default.
type ValueSource struct {
	kind   sourceKind
	column string
}

type sourceKind string

const (
	byDefault  sourceKind = ""
	byCreation sourceKind = "column"
	byColumn   sourceKind = "time column"
	byKey      sourceKind = "key"
	byClock    sourceKind = "now"
	atRandom   sourceKind = "random"
)

// CreationTime makes UUIDv7 in the order of creation, with the times of the table's creation-time column,
// which is found by its name. Without such a column the rows are in key order, all with the migration's time.
func CreationTime() ValueSource { return ValueSource{kind: byCreation} }

// TimeColumn is [CreationTime] with the named column. Append ":s", ":ms" or ":us" to the name of an integer
// column for its unit.
func TimeColumn(name string) ValueSource { return ValueSource{kind: byColumn, column: name} }

// KeyOrder makes UUIDv7 in key order, all with the migration's time.
func KeyOrder() ValueSource { return ValueSource{kind: byKey} }

// MigrationTime makes UUIDv7 with the time at which each row is filled, in no order. Scripts do this, and
// PhoenixKit's own migration.
func MigrationTime() ValueSource { return ValueSource{kind: byClock} }

// RandomValues makes UUIDs of version 4, which do not show the age of a row.
func RandomValues() ValueSource { return ValueSource{kind: atRandom} }

// String describes the source.
func (s ValueSource) String() string {
	switch s.kind {
	case byDefault:
		return "default"
	case byColumn:
		return "time column " + s.column
	case byCreation, byKey, byClock, atRandom:
		return string(s.kind)
	}
	return string(s.kind)
}
