-- The cutoffs: when a column got its default. The other columns are set when the backfill of its rows begins.
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
