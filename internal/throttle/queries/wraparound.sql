-- The autovacuum to prevent wraparound that is running on table $1, if there is one. For a role without
-- pg_monitor its query is hidden; then the table's age decides, because every autovacuum from
-- autovacuum_freeze_max_age on is one. An autovacuum worker is a session with a database and no user.
SELECT a.pid
FROM pg_class c
JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = c.oid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
               AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
JOIN pg_stat_activity a ON a.pid = l.pid AND a.datid IS NOT NULL AND a.usesysid IS NULL
WHERE c.oid = to_regclass($1)
  AND CASE WHEN a.backend_type IS NOT NULL THEN a.query LIKE '%(to prevent wraparound)'
           ELSE age(c.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::int
             OR mxid_age(c.relminmxid) > current_setting('autovacuum_multixact_freeze_max_age')::int END
LIMIT 1
