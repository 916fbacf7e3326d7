-- What a run's probe writes, one row for each schema, to measure how long the application's commits take.
CREATE TABLE rekey.probe (
	scope   text PRIMARY KEY,
	commits bigint NOT NULL
) WITH (fillfactor = 10);
REVOKE ALL ON TABLE rekey.probe FROM PUBLIC;
