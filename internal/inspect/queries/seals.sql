-- Returns a digest for each of the tables $1 of everything that determines which code statements on it run. It changes when
-- something of that is added, altered or dropped, or when the table gets another name, owner, parent or child: the xmin of a row is
-- the transaction that wrote it. Statistics on expressions are evaluated by the planner. A dropped table has no row.
SELECT x.relation::pg_catalog.int8 AS relation, pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(x.row, ',' ORDER BY x.row), 'UTF8')), 'hex') AS seal
FROM (
    SELECT c.oid AS relation, pg_catalog.concat('n', c.relkind, ' ', c.relowner, ' ', pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)) AS row
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1)
    UNION ALL
    SELECT k.conrelid, pg_catalog.concat('c', k.oid, ' ', k.xmin) FROM pg_catalog.pg_constraint k WHERE k.conrelid = ANY ($1)
    UNION ALL
    SELECT i.indrelid, pg_catalog.concat('i', i.indexrelid, ' ', i.xmin) FROM pg_catalog.pg_index i WHERE i.indrelid = ANY ($1)
    UNION ALL
    SELECT s.stxrelid, pg_catalog.concat('s', s.oid, ' ', s.xmin) FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = ANY ($1)
    UNION ALL
    SELECT t.tgrelid, pg_catalog.concat('t', t.oid, ' ', t.xmin) FROM pg_catalog.pg_trigger t WHERE t.tgrelid = ANY ($1)
    UNION ALL
    SELECT r.ev_class, pg_catalog.concat('r', r.oid, ' ', r.xmin) FROM pg_catalog.pg_rewrite r WHERE r.ev_class = ANY ($1)
    UNION ALL
    SELECT d.adrelid, pg_catalog.concat('d', d.oid, ' ', d.xmin) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = ANY ($1)
    UNION ALL
    SELECT a.attrelid, pg_catalog.concat('a', a.attrelid, ' ', a.attnum, ' ', a.atttypid) FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0
    UNION ALL
    SELECT h.inhrelid, pg_catalog.concat('h', h.inhparent) FROM pg_catalog.pg_inherits h WHERE h.inhrelid = ANY ($1)
    UNION ALL
    SELECT h.inhparent, pg_catalog.concat('b', h.inhrelid) FROM pg_catalog.pg_inherits h WHERE h.inhparent = ANY ($1)
    UNION ALL
    SELECT a.attrelid, pg_catalog.concat('v', k.oid, ' ', k.xmin)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_constraint k ON k.contypid = a.atttypid WHERE a.attrelid = ANY ($1) AND a.atttypid >= 16384
) AS x
GROUP BY x.relation
