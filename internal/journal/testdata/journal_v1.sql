-- The journal of version 1, as the first releases of rekey made it.
CREATE SCHEMA rekey;
REVOKE ALL ON SCHEMA rekey FROM PUBLIC;

CREATE TABLE rekey.format (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version integer NOT NULL
);
REVOKE ALL ON TABLE rekey.format FROM PUBLIC;

CREATE TABLE rekey.runs (
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

CREATE TABLE rekey.leases (
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

CREATE TABLE rekey.cursors (
	relation oid NOT NULL,
	filenode oid NOT NULL,
	attnum   smallint NOT NULL,
	region   bigint NOT NULL,
	state    bytea NOT NULL,
	filled   bigint NOT NULL,
	PRIMARY KEY (relation, attnum, region)
) WITH (fillfactor = 50);
REVOKE ALL ON TABLE rekey.cursors FROM PUBLIC;

CREATE TABLE rekey.kept (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	found    bigint NOT NULL,
	adopted  boolean NOT NULL,
	PRIMARY KEY (relation, attnum)
);
REVOKE ALL ON TABLE rekey.kept FROM PUBLIC;

CREATE TABLE rekey.orders (
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

CREATE TABLE rekey.moments (
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

CREATE TABLE rekey.standstills (
	scope  text PRIMARY KEY,
	token  uuid NOT NULL,
	reason text NOT NULL,
	since  timestamptz NOT NULL
);
REVOKE ALL ON TABLE rekey.standstills FROM PUBLIC;

INSERT INTO rekey.format (version) VALUES (1);
