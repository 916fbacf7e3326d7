-- Returns the process id of another session that builds or drops the index $2 of table $1, else 0. It reads
-- pg_locks, which every role may read, since a build holds a lock all the time.
SELECT coalesce((
    SELECT min(l.pid) FROM pg_index i
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = i.indrelid
                   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    JOIN pg_stat_progress_create_index p ON p.pid = l.pid AND p.relid = i.indrelid
    WHERE i.indrelid = to_regclass($1) AND x.relname = $2 AND NOT i.indisvalid
      AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'), 0)
