-- Returns the first $4 shards of the table $1 above $3 with a placement on the nodes of group $2.
-- shard_name omits the schema "public".
SELECT s.shardid::int8, n.nspname::text, CASE n.nspname WHEN 'public' THEN 'public.' ELSE '' END || shard_name(s.logicalrelid, s.shardid)
FROM pg_dist_shard s
JOIN pg_dist_placement p ON p.shardid = s.shardid
JOIN pg_class c ON c.oid = s.logicalrelid::oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.logicalrelid::oid = $1::oid AND p.groupid = $2::int AND s.shardid > $3::int8 AND p.shardstate = 1
ORDER BY s.shardid
LIMIT $4::int
