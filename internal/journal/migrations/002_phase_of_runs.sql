-- The phase that a run was to reach: integers, expanded or linked; '' for a run of an older rekey.
ALTER TABLE IF EXISTS rekey.runs ADD COLUMN IF NOT EXISTS phase text NOT NULL DEFAULT '';
