-- The limit of the impact that a request sets; 0 leaves it unchanged, a number below 0 is no limit.
ALTER TABLE IF EXISTS rekey.orders ADD COLUMN IF NOT EXISTS max_impact double precision NOT NULL DEFAULT 0;
