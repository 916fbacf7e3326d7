-- Returns the tables of the colocation group of table $1 of which a shard is being moved, copied or split.
SELECT DISTINCT m.table_name::text
FROM get_rebalance_progress() m
JOIN pg_dist_partition p ON p.logicalrelid = m.table_name
JOIN pg_dist_partition own ON own.logicalrelid::oid = $1::oid
WHERE m.progress < 2 AND (p.logicalrelid = own.logicalrelid OR p.colocationid = own.colocationid AND own.colocationid > 0)
ORDER BY 1
