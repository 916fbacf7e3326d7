-- Returns the transactions, prepared ones included, that are older than $2 seconds and hold a lock on table $1 or
-- on one of its descendants (partitions, inheritance children). SHARE UPDATE EXCLUSIVE does not count: an
-- autovacuum holds it, and yields. A transaction whose age the role may not see has the age -1; the last column
-- distinguishes it from a later transaction of the same session.
WITH RECURSIVE tree (relation) AS (
    SELECT to_regclass($1)::oid
    UNION
    SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relation
), holding AS (
    SELECT l.pid, l.virtualtransaction
    FROM pg_locks l
    WHERE l.granted AND l.locktype = 'relation' AND l.mode <> 'ShareUpdateExclusiveLock'
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.relation IN (SELECT t.relation FROM tree t)
)
SELECT a.pid,
       coalesce(a.application_name, ''),
       coalesce(a.state, a.backend_type, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), -1)::float8,
       coalesce(a.query, ''),
       (SELECT min(h.virtualtransaction) FROM holding h WHERE h.pid = a.pid)
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid()
  AND (a.xact_start IS NULL OR a.xact_start < clock_timestamp() - make_interval(secs => $2::float8))
  AND a.pid IN (SELECT h.pid FROM holding h)
UNION ALL
SELECT 0, 'prepared transaction ' || p.gid, '', extract(epoch FROM clock_timestamp() - p.prepared)::float8, '', ''
FROM pg_prepared_xacts p
WHERE p.prepared < clock_timestamp() - make_interval(secs => $2::float8)
  AND EXISTS (SELECT FROM holding h
              JOIN pg_locks x ON x.locktype = 'transactionid' AND x.pid IS NULL AND x.virtualtransaction = h.virtualtransaction
              WHERE h.pid IS NULL AND x.transactionid = p.transaction)
