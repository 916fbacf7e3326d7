-- Returns the sharded tables among the tables $1: their quoted names, and of each index its name and oid.
SELECT c.oid::int8                                                    AS relation,
       format('%I.%I', n.nspname, c.relname)                          AS name,
       p.partmethod = 'n' AND p.repmodel = 't'                        AS reference,
       ARRAY (SELECT k.relname::text FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid WHERE i.indrelid = c.oid ORDER BY k.oid) AS index_names,
       ARRAY (SELECT i.indexrelid::int8 FROM pg_index i WHERE i.indrelid = c.oid ORDER BY i.indexrelid) AS index_oids
FROM pg_dist_partition p
JOIN pg_class c ON c.oid = p.logicalrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.logicalrelid = ANY ($1::oid[]::regclass[]) AND c.relkind = 'r'
