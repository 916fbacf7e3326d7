-- Returns what else may make the application wait: the checkpoints and the buffers that they wrote, the number of the current WAL
-- segment, whether more WAL than min_wal_size was written since the last checkpoint's redo point, and whether an autovacuum is on the
-- table {table}. It needs no privilege: a background process has no user, which every role can see.
SELECT {checkpoints},
       ((pg_current_wal_insert_lsn() - '0/0'::pg_lsn) / size.segment)::bigint,
       pg_current_wal_insert_lsn() - c.redo_lsn > size.kept,
       EXISTS (SELECT FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
               WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND l.relation = {table}::oid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND a.usesysid IS NULL)
FROM pg_control_checkpoint() AS c
CROSS JOIN (SELECT max(setting::bigint) FILTER (WHERE name = 'wal_segment_size') AS segment,
                   max(setting::bigint) FILTER (WHERE name = 'min_wal_size') * 1024 * 1024 AS kept
            FROM pg_settings WHERE name IN ('wal_segment_size', 'min_wal_size')) AS size
