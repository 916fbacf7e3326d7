-- Returns the tables of schema $1 with their columns except $2, in a fixed order.
SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = $1) AND c.relkind = 'r'
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> $2
GROUP BY c.relname
ORDER BY c.relname
