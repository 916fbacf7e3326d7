-- Returns the active primary nodes that have a placement of one of the tables $1.
SELECT n.nodeid::int4 AS id, n.groupid::int4 AS "group", n.nodename::text AS host, n.nodeport::int8 AS port
FROM pg_dist_node n
WHERE n.noderole = 'primary' AND n.isactive
  AND n.groupid IN (SELECT p.groupid FROM pg_dist_placement p JOIN pg_dist_shard s ON s.shardid = p.shardid WHERE s.logicalrelid::oid = ANY ($1::oid[]))
ORDER BY n.groupid
