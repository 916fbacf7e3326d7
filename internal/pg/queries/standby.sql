-- Runs on a standby. Returns whether the server is in recovery, the positions of the received and the replayed WAL,
-- and the sessions that hold a lock in any mode on relation $1 or one of its descendants: the replay of ACCESS
-- EXCLUSIVE waits for them. The startup process, which replays, belongs to no role and is not returned. Columns
-- that the role may not see are empty.
WITH RECURSIVE tree (relation) AS (
    SELECT to_regclass($1)::oid
    UNION
    SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relation
), holding AS (
    SELECT l.pid, l.virtualtransaction
    FROM pg_locks l
    WHERE l.granted AND l.locktype = 'relation'
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.relation IN (SELECT t.relation FROM tree t)
), wal AS (
    SELECT pg_is_in_recovery()                                                        AS recovering,
           coalesce(pg_last_wal_receive_lsn(), '0/0') - '0/0'::pg_lsn                 AS received,
           coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0'::pg_lsn                  AS replayed
)
SELECT p.recovering, p.received::int8, p.replayed::int8,
       coalesce(a.pid, 0),
       coalesce(a.application_name, ''),
       coalesce(a.state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8,
       coalesce(a.query, ''),
       coalesce((SELECT min(h.virtualtransaction) FROM holding h WHERE h.pid = a.pid), '')
FROM wal p
LEFT JOIN pg_stat_activity a ON a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid() AND a.pid IN (SELECT h.pid FROM holding h)
