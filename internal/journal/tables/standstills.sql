-- Why a run pauses.
CREATE TABLE rekey.standstills (
	scope  text PRIMARY KEY,
	token  uuid NOT NULL,
	reason text NOT NULL,
	since  timestamptz NOT NULL
);
REVOKE ALL ON TABLE rekey.standstills FROM PUBLIC;
