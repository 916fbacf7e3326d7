-- Returns the functions whose text may contain a statement that the switch of a primary key changes: ON CONFLICT ON CONSTRAINT or
-- GROUP BY. Comments or the parts of a string may be between the words, so that the caller reads the text.
SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0)       AS function,
       l.lanname IN ('sql', 'plpgsql')                         AS sql,
       p.prosrc                                                AS source,
       coalesce((SELECT substr(c, length('search_path=') + 1) FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%'), '') AS path
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('internal', 'c') AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  AND (p.prosrc ~* 'conflict' AND p.prosrc ~* 'constraint' OR p.prosrc ~* 'group' AND p.prosrc ~* 'by')
ORDER BY 1
