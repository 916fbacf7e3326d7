-- The checkpoints of the backfill.
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
