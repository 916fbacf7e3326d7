-- Returns the stored columns whose type is the row type of one of the tables $1, an array or a domain of it, or a composite type that has
-- it. A value of it loses each column that the table loses.
WITH RECURSIVE held (relation, type) AS (
    SELECT c.oid, c.reltype FROM pg_class c WHERE c.oid = ANY ($1::oid[]) AND c.reltype <> 0
    UNION
    SELECT h.relation, x.type
    FROM held h CROSS JOIN LATERAL (
        SELECT t.typarray AS type FROM pg_type t WHERE t.oid = h.type AND t.typarray <> 0
        UNION ALL SELECT t.oid FROM pg_type t WHERE t.typtype = 'd' AND t.typbasetype = h.type
        UNION ALL
        SELECT c.reltype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c' WHERE a.atttypid = h.type AND NOT a.attisdropped
    ) x
)
SELECT h.relation::int8                                        AS relation,
       format('%s.%I', a.attrelid::regclass, a.attname)        AS "user"
FROM held h
JOIN pg_attribute a ON a.atttypid = h.type AND NOT a.attisdropped
JOIN pg_class r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p', 'm', 'f')
ORDER BY 1, 2
