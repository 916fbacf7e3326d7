package journal

// Format is the version of the journal's tables. A journal of a later one is refused.
const Format = 1

// table is one of the journal's own.
type table struct{ name, create string }

// tables are in the order in which they are made: two processes that make them at once must wait for
// each other, never both ways.
func tables() []table {
	return []table{
		{"format", createFormat},
		{"runs", createRuns},
		{"leases", createLeases},
		{"cursors", createCursors},
		{"kept", createKept},
		{"orders", createOrders},
		{"moments", createMoments},
		{"standstills", createStandstills},
	}
}

const createFormat = `CREATE TABLE rekey.format (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version integer NOT NULL
)`

const createRuns = `CREATE TABLE rekey.runs (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	scope   text NOT NULL,
	host    text NOT NULL,
	pid     integer NOT NULL,
	program text NOT NULL,
	command text NOT NULL,
	target  integer NOT NULL,
	started timestamptz NOT NULL DEFAULT clock_timestamp(),
	ended   timestamptz,
	outcome text,
	detail  text NOT NULL DEFAULT '',
	filled  bigint NOT NULL DEFAULT 0
)`

// The token is a key so that a takeover, which changes it, conflicts with the FOR KEY SHARE of
// [Lease.Guard], and a heartbeat, which does not, never waits for a batch.
const createLeases = `CREATE TABLE rekey.leases (
	scope     text PRIMARY KEY,
	token     uuid NOT NULL UNIQUE,
	host      text NOT NULL,
	pid       integer NOT NULL,
	program   text NOT NULL,
	command   text NOT NULL,
	taken     timestamptz NOT NULL,
	heartbeat timestamptz NOT NULL
) WITH (fillfactor = 50)`

const createCursors = `CREATE TABLE rekey.cursors (
	relation oid NOT NULL,
	filenode oid NOT NULL,
	attnum   smallint NOT NULL,
	region   bigint NOT NULL,
	state    bytea NOT NULL,
	filled   bigint NOT NULL,
	PRIMARY KEY (relation, attnum, region)
) WITH (fillfactor = 50)`

const createKept = `CREATE TABLE rekey.kept (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	found    bigint NOT NULL,
	adopted  boolean NOT NULL,
	PRIMARY KEY (relation, attnum)
)`

// An order is for the run that held the lease when it was given, not for the next one.
const createOrders = `CREATE TABLE rekey.orders (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	scope         text NOT NULL,
	token         uuid NOT NULL,
	verb          text NOT NULL,
	pace          text NOT NULL,
	max_lag_ms    bigint NOT NULL,
	batch_time_ms bigint NOT NULL,
	given         timestamptz NOT NULL DEFAULT clock_timestamp()
)`

// A moment is when a column got its default. The rest is said of it when its rows are filled.
const createMoments = `CREATE TABLE rekey.moments (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	moment   timestamptz NOT NULL,
	source   text,
	"column" text,
	zone     text,
	key      text[],
	PRIMARY KEY (relation, attnum)
)`

// A standstill is why a run does not go on at the moment.
const createStandstills = `CREATE TABLE rekey.standstills (
	scope  text PRIMARY KEY,
	token  uuid NOT NULL,
	reason text NOT NULL,
	since  timestamptz NOT NULL
)`
