-- Returns the moves, copies, splits and rebalances that have not ended. A move, a copy or a split holds an advisory lock on its
-- colocation group, or on its table if that has none; a scheduled rebalance is a background job.
SELECT CASE l.mode WHEN 'ExclusiveLock' THEN 'split' ELSE 'move' END AS kind,
       'running'                                                     AS state,
       coalesce((SELECT min(format('%s.%s', n.nspname, c.relname))
                 FROM pg_dist_partition p
                 JOIN pg_class c ON c.oid = p.logicalrelid
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE k.id IN (p.colocationid::int8, c.oid::int8)), '') AS relation,
       coalesce((SELECT c.colocationid FROM pg_dist_colocation c WHERE c.colocationid::int8 = k.id), 0)::int4 AS colocation
FROM pg_locks l
CROSS JOIN LATERAL (SELECT (l.classid::int8 << 32) | l.objid::int8) k (id)
WHERE l.locktype = 'advisory' AND l.objsubid = 13 AND l.granted AND l.mode IN ('RowExclusiveLock', 'ExclusiveLock')
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
UNION ALL
SELECT j.job_type::text, j.state::text, '', 0
FROM pg_dist_background_job j
WHERE j.state NOT IN ('finished', 'cancelled', 'failed')
ORDER BY 1, 3
