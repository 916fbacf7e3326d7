-- The requests from other terminals. A request is addressed to the run that held the lease when the request was sent, not
-- to the next run. max_impact is the limit of the impact, 0 for no change and below 0 for no limit.
CREATE TABLE rekey.orders (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	scope         text NOT NULL,
	token         uuid NOT NULL,
	verb          text NOT NULL,
	pace          text NOT NULL,
	max_lag_ms    bigint NOT NULL,
	batch_time_ms bigint NOT NULL,
	given         timestamptz NOT NULL DEFAULT clock_timestamp(),
	max_impact    double precision NOT NULL DEFAULT 0
);
REVOKE ALL ON TABLE rekey.orders FROM PUBLIC;
