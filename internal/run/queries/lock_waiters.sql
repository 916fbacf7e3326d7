-- Returns whether a session other than $2 waits for a lock on table $1.
SELECT EXISTS (
    SELECT FROM pg_locks w
    WHERE NOT w.granted AND w.locktype = 'relation' AND w.pid <> $2::int
      AND w.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND w.relation = to_regclass($1))
