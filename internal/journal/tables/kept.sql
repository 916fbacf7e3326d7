-- The originals: what columns were like before the first run.
CREATE TABLE rekey.kept (
	relation oid NOT NULL,
	attnum   smallint NOT NULL,
	found    bigint NOT NULL,
	adopted  boolean NOT NULL,
	PRIMARY KEY (relation, attnum)
);
REVOKE ALL ON TABLE rekey.kept FROM PUBLIC;
