-- The runs that have begun. phase is the phase to reach, '' for a run of an older rekey.
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
	filled  bigint NOT NULL DEFAULT 0,
	phase   text NOT NULL DEFAULT ''
);
REVOKE ALL ON TABLE rekey.runs FROM PUBLIC;
