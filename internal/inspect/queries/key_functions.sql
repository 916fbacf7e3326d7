-- Returns the functions whose text may contain a statement that the switch of a primary key changes: one row for each primary key, by its
-- name in $1, that ON CONFLICT ON CONSTRAINT names, and one for each table, by its name in $2, that a function with GROUP BY
-- names. The text itself is not returned.
WITH functions AS (
    SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0)   AS name,
           p.prosrc                                            AS source
    FROM pg_proc p
    JOIN pg_language l ON l.oid = p.prolang
    WHERE l.lanname NOT IN ('internal', 'c') AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND (p.prosrc ~* 'on\s+constraint' OR p.prosrc ~* 'group\s+by')
)
SELECT 'on-conflict-constraint' AS hazard, k.name AS object, f.name AS function
FROM functions f
JOIN unnest($1::text[]) k (name) ON f.source ~* ('on\s+conflict\s+on\s+constraint\s+"?' || regexp_replace(k.name, '([^[:alnum:]_])', '\\\1', 'g') || '($|\W)')
UNION ALL
SELECT 'group-by', t.name, f.name
FROM functions f
JOIN unnest($2::text[]) t (name) ON f.source ~* 'group\s+by' AND f.source ~* ('(^|\W)' || regexp_replace(t.name, '([^[:alnum:]_])', '\\\1', 'g') || '($|\W)')
ORDER BY 1, 2, 3
