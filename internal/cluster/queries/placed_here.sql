-- Returns a row if this node has the shard $1, as its own metadata say. What a move leaves behind for a while is not counted.
SELECT FROM pg_dist_placement p
JOIN pg_dist_local_group g ON g.groupid = p.groupid
WHERE p.shardid = $1::int8 AND p.shardstate = 1
