-- Returns the sessions that backend $1 waits for. If pg_blocking_pids reports a prepared transaction (pid 0), also
-- returns the prepared transactions that hold a lock on the same relation. Columns that the role may not see are
-- empty, except for an autovacuum, which has a database but no user: on a table past autovacuum_freeze_max_age it
-- prevents wraparound.
WITH blocking AS (
    SELECT DISTINCT unnest(pg_blocking_pids($1::int)) AS pid
)
SELECT a.pid,
       coalesce(a.application_name, ''),
       coalesce(a.state, a.backend_type, CASE WHEN a.datid IS NOT NULL AND a.usesysid IS NULL THEN 'autovacuum worker' END, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8,
       CASE WHEN a.backend_type IS NULL AND a.datid IS NOT NULL AND a.usesysid IS NULL
            THEN coalesce((SELECT 'autovacuum: VACUUM ' || c.oid::regclass || ' (to prevent wraparound)'
                           FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                           WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock'
                             AND l.database = a.datid AND c.relkind IN ('r', 'm')
                             AND (age(c.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::int
                                  OR mxid_age(c.relminmxid) > current_setting('autovacuum_multixact_freeze_max_age')::int)
                           LIMIT 1), '')
            WHEN a.backend_type IS NULL THEN ''
            ELSE coalesce(a.query, '') END
FROM pg_stat_activity a
WHERE a.pid IN (SELECT b.pid FROM blocking b)
UNION ALL
SELECT DISTINCT 0, 'prepared transaction ' || p.gid, '', extract(epoch FROM clock_timestamp() - p.prepared)::float8, ''
FROM pg_locks w
JOIN pg_locks l ON l.locktype = 'relation' AND l.granted AND l.pid IS NULL
               AND l.database = w.database AND l.relation = w.relation
JOIN pg_locks x ON x.locktype = 'transactionid' AND x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction
JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE w.pid = $1::int AND NOT w.granted AND w.locktype = 'relation'
  AND EXISTS (SELECT FROM blocking b WHERE b.pid = 0)
