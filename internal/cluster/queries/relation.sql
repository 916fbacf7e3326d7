-- Returns the name of the shard that has the qualified, quoted name $1; no row if it is not on this server.
SELECT c.relname::text FROM pg_class c WHERE c.oid = to_regclass($1)
