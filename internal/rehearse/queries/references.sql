-- Returns the foreign keys between tables of schema $1, without those of partitions.
SELECT f.conrelid::int8, f.confrelid::int8,
       ARRAY (SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k(n, at) JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.n ORDER BY k.at),
       ARRAY (SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k(n, at) JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.n ORDER BY k.at),
       ARRAY (SELECT format_type(a.atttypid, NULL) FROM unnest(f.confkey) WITH ORDINALITY k(n, at) JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.n ORDER BY k.at)
FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid
JOIN pg_class p ON p.oid = f.confrelid
WHERE f.contype = 'f' AND f.conparentid = 0
  AND c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = $1) AND p.relnamespace = c.relnamespace
ORDER BY 1, 2
