-- Returns the group of the node, and the database.
SELECT (SELECT groupid FROM pg_dist_local_group), current_database()::text
