// Package rekey gives the tables of a live PostgreSQL database UUIDv7 keys beside their integers,
// online: no table is rewritten, nobody waits, and what was done can be taken back.
//
// The work that a profile describes is done by [Up] and taken back by [Down]; [MakePlan], [ReadStatus]
// and [Verify] change nothing. The package phoenixkit carries the profile of PhoenixKit's V40.
package rekey

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/verify"
	"github.com/rekey-pg/rekey/problem"
)

// Config says what is to be done, where, and what is allowed.
type Config struct {
	Profile Profile // the tables and the rules that hold for them
	Prefix  string  // the schema they are in; "" means public
	Version int     // for Up the profile's To, for Down its From

	// Schema is that of a run without a profile, which takes the tables as it finds them: those that
	// Tables' patterns match and Exclude's do not, "*" and "?" being wildcards. Tables that are not the
	// application's own, such as migrators', are left alone unless Tables names them without wildcards.
	Schema          string
	Tables, Exclude []string
	Column          string           // what each table gets; "" is uuid
	IndexName       string           // of its unique index; "" is {table}_{column}_idx
	Own             map[string]Words // the tables that get something else than the others
	// SkipRefused lets the other tables go on where some are refused.
	SkipRefused bool
	// Back makes MakePlan plan the way down of a run without a profile.
	Back bool

	// MaxLock is how long a lock that others queue behind is waited for, a try: 50 ms if zero.
	MaxLock time.Duration
	// LockPatience is how long a lock is tried for in all before the run gives up cleanly: 40 minutes if zero.
	LockPatience time.Duration
	// Pace is "gentle", "normal" or "full"; "" is normal.
	Pace string
	// BatchTime is what a transaction of the filling aims at: 50 ms if zero.
	BatchTime time.Duration
	// MaxLag is how far a standby or a logical subscriber may be behind before the run stands still: 10 s
	// if zero.
	MaxLag time.Duration
	// MaxRetainedWAL is how many bytes of WAL a replication slot may keep back before the run stands still:
	// 10 GB if zero.
	MaxRetainedWAL int64
	// MaxSnapshotAge is how long something may keep dead rows from being pruned before the filling stands
	// still. If zero it never does; such a thing is only told of.
	MaxSnapshotAge time.Duration
	// ThrottleQuery is asked every second, in a transaction that only reads: one row of one column. While
	// it is true, or a text that is not empty, the run stands still. Names carry their schema.
	ThrottleQuery string
	// ThrottleFile names a file; while it exists the run stands still.
	ThrottleFile string
	// WithoutSignals names the signals that are not looked at: lag, wal, snapshots, wraparound, query, file,
	// standby.
	WithoutSignals []string
	// SubscribersReady says that the tables of every logical subscriber have the column already.
	SubscribersReady bool
	// FireTriggers allows the application's triggers to fire on the rows that are filled.
	FireTriggers bool
	// TrustOwners names owners whose code may run with the rights of the role that rekey connects as: the code of
	// their tables (checks, indexes on expressions, triggers …), their functions, and their journal. By default
	// a role trusts itself, superusers, and roles that may become it.
	TrustOwners []string
	// Values says what the uuids of the rows that are there already tell; its zero value is the order of
	// creation.
	Values Values

	// Direct leads straight to the server where the pool goes through a pooler; nil where it does not.
	Direct *pgxpool.Pool
	// Standbys lead to standbys of this server, the same database there, one pool each, of which one
	// connection is used: no lock is taken while a report there would hold its replay up for longer than
	// MaxLock, and whoever reads there with it.
	Standbys []*pgxpool.Pool
	// Stop asks a run to end at the next clean point when it is closed; ending the context instead
	// cancels what is being executed. Both leave everything committed so far, and the same call goes on.
	Stop <-chan struct{}

	OnEvent func(Event) // called from one goroutine at a time; may be nil
}

// The values that go in and come out; their fields are documented where they are declared.
type (
	Profile      = profile.Profile
	ProfileTable = profile.Table
	Rename       = profile.Rename
	Event        = event.Event
	Result       = event.Result // what a run did
	Plan         = plan.Document
	Verdict      = plan.Relation // what becomes of one relation, without a profile
	Status       = plan.Status
	Report       = verify.Report
	TableReport  = verify.TableReport
	Target       = step.Target
	Problem      = problem.Problem // message, detail and hint
	Problems     = problem.List    // several, all found before the first change
	Order        = journal.Request // what Request tells a run
	Verb         = journal.Verb
)

// What a run can be told, in the field Verb of an [Order].
const (
	Pause  = journal.Pause
	Resume = journal.Resume
	Stop   = journal.Stop
	Tune   = journal.Tune
)

// The events, for a type switch in Config.OnEvent. They are all there are; EventLine writes any of them
// as the command line does with --json.
type (
	RunStarted    = event.RunStarted
	TableStarted  = event.TableStarted
	TableDone     = event.TableDone
	TableAbsent   = event.TableAbsent
	StepDone      = event.StepDone
	Executing     = event.Executing
	Progress      = event.Progress
	IndexProgress = event.IndexProgress
	Locked        = event.Locked
	LockRefused   = event.LockRefused
	Throttled     = event.Throttled
	Notice        = event.Notice
)

// EventLine writes an event as one line of JSON; docs/json.md tells its fields.
func EventLine(e Event, at time.Time) ([]byte, error) { return event.Line(e, at) }

// What errors.Is answers to.
var (
	ErrFailed      = problem.ErrFailed
	ErrUsage       = problem.ErrUsage
	ErrRefused     = problem.ErrRefused
	ErrRunning     = problem.ErrRunning
	ErrDiffers     = problem.ErrDiffers
	ErrStopped     = problem.ErrStopped
	ErrInterrupted = problem.ErrInterrupted
)
