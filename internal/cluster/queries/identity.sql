-- Returns the group of the node, the database, and whether rekey may see shards here.
SELECT (SELECT groupid FROM pg_dist_local_group), current_database()::text
