-- The autovacuum against wraparound that works on table $1, if there is one. A role without pg_monitor
-- does not see its query; then the table's age tells, since from autovacuum_freeze_max_age on every
-- autovacuum is one. An autovacuum worker is known by its having a database and no user.
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
