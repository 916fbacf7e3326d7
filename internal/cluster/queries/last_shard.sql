-- Returns the highest number of a shard of the table $1, 0 if it has none. Shards that a split makes get higher ones.
SELECT coalesce(max(s.shardid), 0)::int8 FROM pg_dist_shard s WHERE s.logicalrelid::oid = $1::oid
