-- Returns the enabled rules of the tables $1. Event 2 is UPDATE.
SELECT r.ev_class::int8    AS relation,
       r.rulename          AS name,
       r.ev_type = '2'     AS on_update,
       r.is_instead        AS instead
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
WHERE r.ev_class = ANY ($1::oid[]) AND c.relkind IN ('r', 'p') AND r.ev_enabled <> 'D'
ORDER BY r.ev_class, r.rulename
