-- The columns of the tables $2 in schema $1, in their order.
SELECT c.relname::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1)
   AND c.relkind = 'r' AND c.relname = ANY ($2::text[])
 GROUP BY c.relname
 ORDER BY array_position($2::text[], c.relname::text);
