-- The requests from other terminals. A request is addressed to the run that held the lease when the request was sent, not
-- to the next run.
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
