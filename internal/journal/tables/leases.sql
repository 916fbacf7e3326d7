-- The token is a key, so that a takeover, which changes it, conflicts with the FOR KEY SHARE of a run's transactions. A
-- heartbeat does not change it and never waits for a batch.
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
