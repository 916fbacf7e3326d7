-- Returns the first shard of the table $1 above $2 and the active primary node that has it, the first one if there are several.
-- shard_name omits the schema "public".
SELECT s.shardid::int8, n.nspname::text,
       CASE n.nspname WHEN 'public' THEN 'public.' ELSE '' END || shard_name(s.logicalrelid, s.shardid),
       d.nodeid::int4, d.groupid::int4, d.nodename::text, d.nodeport::int8
FROM pg_dist_shard s
JOIN pg_dist_placement p ON p.shardid = s.shardid AND p.shardstate = 1
JOIN pg_dist_node d ON d.groupid = p.groupid AND d.noderole = 'primary' AND d.isactive
JOIN pg_class c ON c.oid = s.logicalrelid::oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.logicalrelid::oid = $1::oid AND s.shardid > $2::int8
ORDER BY s.shardid, p.groupid
LIMIT 1
