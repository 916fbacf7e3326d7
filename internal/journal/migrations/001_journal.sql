-- The tables of version 1. The order is fixed, so that two processes that create them at the same time cannot deadlock.
-- REVOKE: the role's default privileges may grant access to PUBLIC.
CREATE TABLE IF NOT EXISTS rekey.format (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version integer NOT NULL
);
REVOKE ALL ON TABLE rekey.format FROM PUBLIC;

CREATE TABLE IF NOT EXISTS rekey.runs (
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
);
REVOKE ALL ON TABLE rekey.runs FROM PUBLIC;

-- The token is a key, so that a takeover, which changes it, conflicts with the FOR KEY SHARE of a run's transactions. A
-- heartbeat does not change it and never waits for a batch.
CREATE TABLE IF NOT EXISTS rekey.leases (
	scope     text PRIMARY KEY,
	token     uuid NOT NULL UNIQUE,
	host      text NOT NULL,
	pid       integer NOT NULL,
	program   text NOT NULL,
	command   text NOT NULL,
	taken     timestamptz NOT NULL,
	heartbeat timestamptz NOT NULL
) WITH (fillfactor = 50);
REVOKE ALL ON TABLE rekey.leases FROM PUBLIC;

-- The checkpoints of the backfill.
CREATE TABLE IF NOT EXISTS rekey.cursors (
	relation oid NOT NULL,
	filenode oid NOT NULL,
	attnum   smallint NOT NULL,
	region   bigint NOT NULL,
	state    bytea NOT NULL,
	filled   bigint NOT NULL,
	PRIMARY KEY (relation, attnum, region)
) WITH (fillfactor = 50);
REVOKE ALL ON TABLE rekey.cursors FROM PUBLIC;

-- The originals: what columns were like before the first run.
CREATE TABLE IF NOT EXISTS rekey.kept (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	found    bigint NOT NULL,
	adopted  boolean NOT NULL,
	PRIMARY KEY (relation, attnum)
);
REVOKE ALL ON TABLE rekey.kept FROM PUBLIC;

-- The requests from other terminals. A request is addressed to the run that held the lease when the request was sent, not
-- to the next run.
CREATE TABLE IF NOT EXISTS rekey.orders (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	scope         text NOT NULL,
	token         uuid NOT NULL,
	verb          text NOT NULL,
	pace          text NOT NULL,
	max_lag_ms    bigint NOT NULL,
	batch_time_ms bigint NOT NULL,
	given         timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON TABLE rekey.orders FROM PUBLIC;

-- The cutoffs: when a column got its default. The other columns are set when the backfill of its rows begins.
CREATE TABLE IF NOT EXISTS rekey.moments (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	moment   timestamptz NOT NULL,
	source   text,
	"column" text,
	zone     text,
	key      text[],
	PRIMARY KEY (relation, attnum)
);
REVOKE ALL ON TABLE rekey.moments FROM PUBLIC;

-- Why a run pauses.
CREATE TABLE IF NOT EXISTS rekey.standstills (
	scope  text PRIMARY KEY,
	token  uuid NOT NULL,
	reason text NOT NULL,
	since  timestamptz NOT NULL
);
REVOKE ALL ON TABLE rekey.standstills FROM PUBLIC;
