-- Returns what ANALYZE found out about the columns of the tables $1 that the role may read. The view pg_stats reads the statistics
-- of all tables unless it is asked for one at a time: with OFFSET 0 the planner looks up each table by its name.
SELECT c.oid::int8                       AS relation,
       s.attname::text                   AS name,
       s.avg_width::float8               AS width,
       s.null_frac::float8               AS nulls,
       s.n_distinct::float8              AS "distinct",
       coalesce(s.correlation, 0)::float8 AS correlation
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT x.attname, x.avg_width, x.null_frac, x.n_distinct, x.correlation FROM pg_stats x WHERE x.schemaname = n.nspname AND x.tablename = c.relname AND NOT x.inherited OFFSET 0) s
WHERE c.oid = ANY ($1::oid[])
