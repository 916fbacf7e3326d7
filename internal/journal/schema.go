package journal

// Format is the version of the journal's tables. A journal with a later format is refused.
const Format = 1

// table is a table of the journal.
type table struct{ name, create string }

// tables returns the tables in the order of creation. It is fixed, so that two processes that create them at the
// same time cannot deadlock.
func tables() []table {
	return []table{
		{"format", createFormat},
		{"runs", createRuns},
		{"leases", createLeases},
		{"cursors", createCheckpoints},
		{"kept", createOriginals},
		{"orders", createRequests},
		{"moments", createCutoffs},
		{"standstills", createPauseReasons},
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

// The token is a key, so that a takeover, which changes it, conflicts with the FOR KEY SHARE of [Lease.Guard]. A
// heartbeat does not change it and never waits for a batch.
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

// The names of this and the following tables are part of the stored format.
const createCheckpoints = `CREATE TABLE rekey.cursors (
	relation oid NOT NULL,
	filenode oid NOT NULL,
	attnum   smallint NOT NULL,
	region   bigint NOT NULL,
	state    bytea NOT NULL,
	filled   bigint NOT NULL,
	PRIMARY KEY (relation, attnum, region)
) WITH (fillfactor = 50)`

const createOriginals = `CREATE TABLE rekey.kept (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	found    bigint NOT NULL,
	adopted  boolean NOT NULL,
	PRIMARY KEY (relation, attnum)
)`

// A request is addressed to the run that held the lease when the request was sent, not to the next run.
const createRequests = `CREATE TABLE rekey.orders (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	scope         text NOT NULL,
	token         uuid NOT NULL,
	verb          text NOT NULL,
	pace          text NOT NULL,
	max_lag_ms    bigint NOT NULL,
	batch_time_ms bigint NOT NULL,
	given         timestamptz NOT NULL DEFAULT clock_timestamp()
)`

// The table moments stores cutoffs: when a column got its default. The other columns are set when the backfill of
// its rows begins.
const createCutoffs = `CREATE TABLE rekey.moments (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	moment   timestamptz NOT NULL,
	source   text,
	"column" text,
	zone     text,
	key      text[],
	PRIMARY KEY (relation, attnum)
)`

// The table standstills stores why a run pauses.
const createPauseReasons = `CREATE TABLE rekey.standstills (
	scope  text PRIMARY KEY,
	token  uuid NOT NULL,
	reason text NOT NULL,
	since  timestamptz NOT NULL
)`
