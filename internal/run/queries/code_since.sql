-- Whether code that an UPDATE runs has come to the table $1 since the transaction $2, which was the oldest one running then:
-- checks, of its columns' domains too, indexes on expressions, triggers, rules, generated columns, and partitioned tables
-- above it. Asked behind a lock that keeps more from coming.
SELECT EXISTS (
    SELECT FROM (
        SELECT k.xmin AS by FROM pg_constraint k WHERE k.conrelid = $1::oid AND k.contype IN ('c', 'x')
        UNION ALL
        SELECT k.xmin FROM pg_attribute a JOIN pg_constraint k ON k.contypid = a.atttypid WHERE a.attrelid = $1::oid AND a.attnum > 0 AND k.contypid <> 0
        UNION ALL
        SELECT i.xmin FROM pg_index i WHERE i.indrelid = $1::oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
        UNION ALL
        SELECT t.xmin FROM pg_trigger t WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal
        UNION ALL
        SELECT r.xmin FROM pg_rewrite r WHERE r.ev_class = $1::oid
        UNION ALL
        SELECT d.xmin FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = $1::oid AND a.attgenerated <> ''
        UNION ALL
        SELECT h.xmin FROM pg_inherits h WHERE h.inhrelid = $1::oid
    ) AS code
    WHERE age(code.by) <= age($2::text::xid))
