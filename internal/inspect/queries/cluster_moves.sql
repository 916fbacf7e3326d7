-- Returns the moves, copies, splits and rebalances that have not ended. A move, a copy or a split holds an advisory lock on its
-- colocation group, or on its table if that has none: in a mode of its own since version 13.2, before that in the same. A rebalance in one
-- transaction holds another one. A scheduled rebalance is a background job, whose tasks name the shards that they move.
WITH running (kind, id) AS (
    SELECT CASE WHEN l.objsubid = 7 THEN 'rebalance' WHEN l.mode = 'RowExclusiveLock' THEN 'move' ELSE 'move or split' END,
           (l.classid::int8 << 32) | l.objid::int8
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND (l.objsubid = 13 AND l.mode IN ('RowExclusiveLock', 'ExclusiveLock') OR l.objsubid = 7 AND l.mode = 'ExclusiveLock')
), jobs (kind, state, id) AS (
    SELECT DISTINCT j.job_type::text, j.state::text, CASE p.colocationid WHEN 0 THEN p.logicalrelid::oid::int8 ELSE p.colocationid::int8 END
    FROM pg_dist_background_job j
    LEFT JOIN pg_dist_background_task t ON t.job_id = j.job_id AND t.status NOT IN ('done', 'error', 'cancelled', 'unscheduled')
    LEFT JOIN pg_dist_shard s ON s.shardid = substring(t.command FROM 'citus_(?:move|copy)_shard_placement\((\d{1,18})')::int8
    LEFT JOIN pg_dist_partition p ON p.logicalrelid = s.logicalrelid
    WHERE j.state NOT IN ('finished', 'cancelled', 'failed')
)
SELECT m.kind, m.state, coalesce(min(format('%s.%s', n.nspname, c.relname)), '') AS relation, coalesce(max(p.colocationid), 0)::int4 AS colocation
FROM (SELECT kind, 'running' AS state, id FROM running UNION SELECT kind, state, id FROM jobs) m
LEFT JOIN pg_dist_partition p ON CASE p.colocationid WHEN 0 THEN p.logicalrelid::oid::int8 ELSE p.colocationid::int8 END = m.id
LEFT JOIN pg_class c ON c.oid = p.logicalrelid
LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
GROUP BY m.kind, m.state, m.id
ORDER BY 1, 3
