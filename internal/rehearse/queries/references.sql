-- Returns the foreign keys between tables of schema $1, without those of partitions. The types are those below domains, since a cast to a
-- domain would run its checks, which may be code of other owners.
SELECT f.conrelid::int8, f.confrelid::int8,
       ARRAY (SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k(n, at) JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.n ORDER BY k.at),
       ARRAY (SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k(n, at) JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.n ORDER BY k.at),
       ARRAY (SELECT (WITH RECURSIVE base AS (SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
                                              UNION ALL SELECT t.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.typbasetype)
                      SELECT format_type(b.oid, NULL) FROM base b WHERE b.typbasetype = 0)
              FROM unnest(f.confkey) WITH ORDINALITY k(n, at) JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.n ORDER BY k.at)
FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid
JOIN pg_class p ON p.oid = f.confrelid
WHERE f.contype = 'f' AND f.conparentid = 0
  AND c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = $1) AND p.relnamespace = c.relnamespace
ORDER BY 1, 2
