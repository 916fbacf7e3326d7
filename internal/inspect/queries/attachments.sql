-- Returns the objects that depend on the columns $2 of the tables $1, which are pairs, or on an index with the column,
-- without the column's default and its NOT NULL constraint of PostgreSQL 18. The foreign keys that PostgreSQL makes for
-- partitions are left out: they go with the one that the user made.
WITH target AS (
    SELECT a.attrelid, a.attnum, a.attname
    FROM unnest($1::oid[], $2::text[]) q (relation, name)
    JOIN pg_attribute a ON a.attrelid = q.relation AND a.attname = q.name AND NOT a.attisdropped
), carrier AS (
    SELECT t.attrelid, t.attnum, t.attname, i.indexrelid, i.indisreplident
    FROM target t JOIN pg_index i ON i.indrelid = t.attrelid AND t.attnum = ANY (i.indkey)
), dependent AS (
    SELECT t.attrelid, t.attnum, t.attname, NULL::oid AS carrier, d.classid, d.objid, d.objsubid
    FROM target t
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.attrelid AND d.refobjsubid = t.attnum
    UNION
    SELECT c.attrelid, c.attnum, c.attname, c.indexrelid, d.classid, d.objid, d.objsubid
    FROM carrier c
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.indexrelid
)
SELECT d.attrelid::int8                                        AS relation,
       d.attname                                               AS "column",
       CASE d.classid
           WHEN 'pg_rewrite'::regclass THEN CASE (SELECT v.relkind FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class WHERE w.oid = d.objid)
               WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule' END
           WHEN 'pg_class'::regclass THEN CASE WHEN d.objsubid > 0 THEN 'generated column' -- on 13 and 14
               ELSE CASE (SELECT r.relkind FROM pg_class r WHERE r.oid = d.objid)
                   WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' ELSE 'relation' END END
           WHEN 'pg_constraint'::regclass THEN CASE (SELECT k.contype FROM pg_constraint k WHERE k.oid = d.objid)
               WHEN 'f' THEN 'foreign key'
               ELSE CASE WHEN (SELECT k.contypid FROM pg_constraint k WHERE k.oid = d.objid) <> 0 THEN 'constraint of a domain' ELSE 'constraint' END END
           WHEN 'pg_statistic_ext'::regclass THEN 'statistics'
           WHEN 'pg_policy'::regclass THEN 'policy'
           WHEN 'pg_trigger'::regclass THEN 'trigger'
           WHEN 'pg_publication_rel'::regclass THEN 'publication'
           WHEN 'pg_attrdef'::regclass THEN 'generated column'
           WHEN 'pg_proc'::regclass THEN 'function'
           ELSE 'object' END                                   AS kind,
       CASE d.classid
           WHEN 'pg_class'::regclass THEN CASE WHEN d.objsubid > 0
               THEN (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = d.objid AND a.attnum = d.objsubid)
               ELSE (SELECT r.relname::text FROM pg_class r WHERE r.oid = d.objid) END
           WHEN 'pg_attrdef'::regclass THEN (SELECT a.attname::text FROM pg_attrdef e
               JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum WHERE e.oid = d.objid)
           WHEN 'pg_constraint'::regclass THEN (SELECT k.conname::text FROM pg_constraint k WHERE k.oid = d.objid)
           WHEN 'pg_rewrite'::regclass THEN (SELECT CASE WHEN v.relkind IN ('v', 'm') THEN w.ev_class::regclass::text ELSE w.rulename::text END
                                             FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class WHERE w.oid = d.objid)
           WHEN 'pg_statistic_ext'::regclass THEN (SELECT s.stxname::text FROM pg_statistic_ext s WHERE s.oid = d.objid)
           WHEN 'pg_policy'::regclass THEN (SELECT p.polname::text FROM pg_policy p WHERE p.oid = d.objid)
           WHEN 'pg_trigger'::regclass THEN (SELECT g.tgname::text FROM pg_trigger g WHERE g.oid = d.objid)
           WHEN 'pg_proc'::regclass THEN d.objid::regprocedure::text
           ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END AS name,
       coalesce((SELECT x.relname::text FROM pg_class x
                 WHERE x.oid = coalesce(d.carrier, (SELECT k.conindid FROM pg_constraint k
                                                    WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid))), '') AS on_index,
       pg_describe_object(d.classid, d.objid, d.objsubid)      AS description,
       d.objid::int8                                           AS object,
       coalesce((SELECT min(n.nspname::text) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 JOIN pg_description m ON m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = ANY (k.conkey)
                 WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.contype = 'f'
                   AND m.description LIKE '%[rekey 2: edge%'), '')                        AS linked_in
FROM dependent d
WHERE NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS
            (SELECT FROM pg_attrdef e WHERE e.oid = d.objid AND e.adrelid = d.attrelid AND e.adnum = d.attnum))
  AND NOT (d.classid = 'pg_constraint'::regclass AND EXISTS
            (SELECT FROM pg_constraint k WHERE k.oid = d.objid AND (k.contype = 'n' OR k.contype = 'f' AND k.conparentid <> 0)))
UNION
SELECT c.attrelid::int8, c.attname, 'replica identity', x.relname, x.relname, 'replica identity by index ' || x.relname, x.oid::int8, ''
FROM carrier c JOIN pg_class x ON x.oid = c.indexrelid
WHERE c.indisreplident
ORDER BY 1, 2, 3, 4
