-- Returns the foreign keys of the tables $1, and the foreign keys of any table onto them. It leaves out the copies that PostgreSQL makes
-- of a key for each partition of the table that it refers to. "above" is the key of the partitioned table from which a
-- partition has its own. The columns that only newer versions have are read from the row as JSON.
SELECT k.oid::int8                                             AS oid,
       k.conname                                               AS name,
       k.conrelid::int8                                        AS child,
       cn.nspname                                              AS child_schema,
       c.relname                                               AS child_name,
       k.confrelid::int8                                       AS parent,
       pn.nspname                                              AS parent_schema,
       p.relname                                               AS parent_name,
       ARRAY (SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (attnum, n)
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.n) AS child_columns,
       ARRAY (SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u (attnum, n)
              JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY u.n) AS parent_columns,
       k.conindid::int8                                        AS index,
       k.confdeltype::text                                     AS on_delete,
       k.confupdtype::text                                     AS on_update,
       CASE WHEN j.row ->> 'confdelsetcols' IS NOT NULL THEN
           ARRAY (SELECT a.attname::text FROM jsonb_array_elements_text(j.row -> 'confdelsetcols') WITH ORDINALITY u (attnum, n)
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum::int2 ORDER BY u.n) END AS set_columns,
       k.confmatchtype::text                                   AS match,
       k.condeferrable                                         AS deferrable,
       k.condeferred                                           AS deferred,
       k.convalidated                                          AS validated,
       NOT coalesce((j.row ->> 'conenforced')::bool, true)     AS not_enforced,
       coalesce((j.row ->> 'conperiod')::bool, false)          AS period,
       EXISTS (SELECT FROM unnest(k.conpfeqop) u (operator) JOIN pg_operator o ON o.oid = u.operator
               WHERE o.oprnamespace <> 'pg_catalog'::regnamespace) AS own_operators,
       EXISTS (SELECT FROM unnest(k.conkey, k.confkey) u (child, parent)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.child
               JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.parent
               JOIN pg_collation x ON x.oid = a.attcollation JOIN pg_collation y ON y.oid = b.attcollation
               WHERE x.oid <> y.oid AND ('default' NOT IN (x.collname, y.collname) OR NOT x.collisdeterministic OR NOT y.collisdeterministic)) AS other_collations,
       pg_has_role(c.relowner, 'USAGE')                        AS child_owned,
       k.conparentid::int8                                     AS above,
       (SELECT d.description FROM pg_description d
        WHERE d.objoid = k.oid AND d.classoid = 'pg_constraint'::regclass AND d.objsubid = 0) AS comment
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = p.relnamespace
CROSS JOIN LATERAL (SELECT CASE WHEN current_setting('server_version_num')::int >= 150000 THEN to_jsonb(k) END AS row OFFSET 0) j
WHERE k.contype = 'f'
  AND (k.conrelid IN (SELECT unnest($1::oid[])) OR k.confrelid IN (SELECT unnest($1::oid[])))
  AND NOT EXISTS (SELECT FROM pg_constraint u LEFT JOIN pg_constraint w ON w.oid = u.conparentid
                  WHERE u.oid = k.conparentid AND (u.confrelid <> k.confrelid OR w.confrelid <> k.confrelid))
ORDER BY cn.nspname, c.relname, k.conname
