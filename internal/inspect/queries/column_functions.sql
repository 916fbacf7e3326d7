-- Returns the functions whose text contains one of the names $1, without those that keep the two columns of a reference equal: their
-- triggers have names of rekey. relations are the tables whose triggers call the function.
SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0)       AS function,
       l.lanname IN ('sql', 'plpgsql')                         AS sql,
       p.prosrc                                                AS source,
       coalesce((SELECT substr(c, length('search_path=') + 1) FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%'), '') AS path,
       ARRAY (SELECT t.tgrelid::int8 FROM pg_trigger t WHERE t.tgfoid = p.oid AND NOT t.tgisinternal) AS relations
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('internal', 'c') AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  AND EXISTS (SELECT FROM unnest($1::text[]) c WHERE position(lower(c) IN lower(p.prosrc)) > 0)
  AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgname LIKE '~rekey%')
ORDER BY 1
