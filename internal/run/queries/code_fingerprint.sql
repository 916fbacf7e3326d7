-- Returns one text that is computed from everything that determines which code statements on the tables $1 run. It
-- changes when something of that is added, altered or dropped: the xmin of a row is the transaction that wrote it.
SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.string_agg(x.row, ',' ORDER BY x.row), ''), 'UTF8')), 'hex') AS fingerprint
FROM (
    SELECT pg_catalog.concat('c', k.oid, ' ', k.xmin) AS row FROM pg_catalog.pg_constraint k WHERE k.conrelid = ANY ($1)
    UNION ALL
    SELECT pg_catalog.concat('i', i.indexrelid, ' ', i.xmin) FROM pg_catalog.pg_index i WHERE i.indrelid = ANY ($1)
    UNION ALL
    SELECT pg_catalog.concat('t', t.oid, ' ', t.xmin) FROM pg_catalog.pg_trigger t WHERE t.tgrelid = ANY ($1)
    UNION ALL
    SELECT pg_catalog.concat('r', r.oid, ' ', r.xmin) FROM pg_catalog.pg_rewrite r WHERE r.ev_class = ANY ($1)
    UNION ALL
    SELECT pg_catalog.concat('d', d.oid, ' ', d.xmin) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = ANY ($1)
    UNION ALL
    SELECT pg_catalog.concat('a', a.attrelid, ' ', a.attnum, ' ', a.atttypid) FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0
    UNION ALL
    SELECT pg_catalog.concat('h', h.inhrelid, ' ', h.inhparent) FROM pg_catalog.pg_inherits h WHERE h.inhrelid = ANY ($1)
    UNION ALL
    SELECT pg_catalog.concat('v', k.oid, ' ', k.xmin)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_constraint k ON k.contypid = a.atttypid WHERE a.attrelid = ANY ($1) AND a.atttypid >= 16384
) AS x
