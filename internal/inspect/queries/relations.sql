-- Returns the relations of any kind in the schemas $1 with one of the names $2, or all if $2 is NULL, and the relations $3.
-- Only the names of indexes, sequences and composite types matter. "partition_key" has an empty name for an expression.
SELECT c.oid::int8                                             AS oid,
       n.nspname                                               AS schema,
       c.relname                                               AS name,
       c.relkind::text                                         AS kind,
       c.relpersistence::text                                  AS persistence,
       pg_get_userbyid(c.relowner)                             AS owner,
       pg_has_role(c.relowner, 'USAGE')                        AS owned,
       pg_has_role(c.relowner, current_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS owner_becomes,
       (SELECT d.description FROM pg_description d
        WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0) AS comment,
       CASE WHEN c.relkind = 'r' THEN coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int ELSE 0 END AS pages, -- NULL once it is dropped
       c.reltuples::float8                                     AS tuples,
       c.relpages::int8                                        AS known_pages,
       CASE WHEN c.relkind = 'r' THEN coalesce(pg_relation_size(c.oid), 0) + CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE coalesce(pg_relation_size(c.reltoastrelid), 0) END
            ELSE 0 END                                         AS bytes,
       coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100) AS fillfactor,
       c.relispartition                                        AS partition,
       CASE WHEN k.rows THEN (SELECT count(*) FROM pg_inherits i WHERE i.inhrelid = c.oid) ELSE 0 END AS parents,
       k.rows AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS heirs,
       CASE WHEN c.relkind = 'p' THEN
           ARRAY (SELECT coalesce(a.attname::text, '')
                  FROM pg_partitioned_table p
                  CROSS JOIN unnest(p.partattrs) WITH ORDINALITY u (attnum, n)
                  LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = u.attnum AND u.attnum > 0
                  WHERE p.partrelid = c.oid ORDER BY u.n) END   AS partition_key,
       c.reloftype <> 0                                        AS of_type,
       c.relrowsecurity                                        AS row_security,
       c.relforcerowsecurity                                   AS force_row_security,
       c.relreplident::text                                    AS replica_identity,
       c.relnatts::int                                         AS attributes,
       CASE WHEN k.rows THEN coalesce((SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                 WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                   AND d.refclassid = 'pg_extension'::regclass), '') ELSE '' END AS extension,
       CASE WHEN c.relkind IN ('i', 'I')
            THEN coalesce((SELECT t.relname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE i.indexrelid = c.oid), '')
            ELSE '' END                                        AS index_of
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT c.relkind IN ('r', 'p', 'v', 'm', 'f') AS rows) k
WHERE c.oid = ANY (ARRAY (
    SELECT r.oid FROM pg_namespace s -- the schema first: a thousand schemas may have tables of the same names
    CROSS JOIN LATERAL (SELECT c.oid FROM pg_class c WHERE c.relnamespace = s.oid AND c.relname = ANY ($2::text[]) OFFSET 0) r
    WHERE $2::text[] IS NOT NULL AND s.nspname = ANY ($1::text[])
    UNION ALL -- a separate branch gets a separate plan
    SELECT CASE d.classid WHEN 'pg_class'::regclass THEN d.objid ELSE t.typrelid END
    FROM pg_namespace s
    JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid -- pg_class has no index by schema
    LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typtype = 'c' -- a composite type's relation
    WHERE $2::text[] IS NULL AND s.nspname = ANY ($1::text[]) AND (d.classid = 'pg_class'::regclass OR t.oid IS NOT NULL)
    UNION ALL -- an index depends on its table only and is in the table's schema
    SELECT i.indexrelid
    FROM pg_namespace s
    JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid AND d.classid = 'pg_class'::regclass
    JOIN pg_index i ON i.indrelid = d.objid
    WHERE $2::text[] IS NULL AND s.nspname = ANY ($1::text[])
    UNION ALL
    SELECT unnest($3::oid[])))
ORDER BY c.relname
