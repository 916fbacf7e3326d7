-- Returns the sessions and prepared transactions that have held a lock on one of the tables $1 for more than $2 seconds, with the
-- strongest mode of each, the oldest first. The age that the role may not see is -1. An autovacuum worker is a session with a
-- database and no user. No text of a query is read.
WITH held AS (
    SELECT l.relation, l.pid, l.virtualtransaction,
           max(array_position(ARRAY ['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
               'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode)) AS strength
    FROM pg_locks l
    WHERE l.granted AND l.locktype = 'relation' AND l.relation = ANY ($1::oid[])
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.pid IS DISTINCT FROM pg_backend_pid()
    GROUP BY 1, 2, 3
), named AS (
    SELECT h.*, format('%s.%s', n.nspname, c.relname) AS relname,
           (ARRAY ['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE',
               'ACCESS EXCLUSIVE'])[h.strength] AS mode
    FROM held h
    JOIN pg_class c ON c.oid = h.relation
    JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT h.relname                                                                   AS "table",
       a.pid                                                                       AS pid,
       coalesce(nullif(a.application_name, ''), a.usename::text, '')               AS application,
       coalesce(a.state, a.backend_type, '')                                       AS state,
       h.mode                                                                      AS mode,
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), -1)::float8  AS seconds,
       a.datid IS NOT NULL AND a.usesysid IS NULL                                  AS autovacuum
FROM named h
JOIN pg_stat_activity a ON a.pid = h.pid
WHERE a.xact_start IS NULL OR a.xact_start < clock_timestamp() - make_interval(secs => $2::float8)
UNION ALL
SELECT h.relname, 0, p.gid, 'prepared transaction', h.mode, extract(epoch FROM clock_timestamp() - p.prepared)::float8, false
FROM named h
JOIN pg_locks x ON x.locktype = 'transactionid' AND x.pid IS NULL AND x.virtualtransaction = h.virtualtransaction
JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE h.pid IS NULL
ORDER BY seconds DESC, pid
LIMIT 50
