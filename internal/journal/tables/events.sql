-- The events of runs. A row has one or more consecutive events, as lines of JSON; seq is the number of the last one in its run.
CREATE TABLE rekey.events (
	run  bigint NOT NULL,
	seq  bigint NOT NULL,
	at   timestamptz NOT NULL,
	line text NOT NULL,
	PRIMARY KEY (run, seq)
);
REVOKE ALL ON TABLE rekey.events FROM PUBLIC;
