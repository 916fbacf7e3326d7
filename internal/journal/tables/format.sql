-- The journal's version.
CREATE TABLE rekey.format (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version integer NOT NULL
);
REVOKE ALL ON TABLE rekey.format FROM PUBLIC;
