-- Returns the defaults of the integer columns of the tables $1, and of the uuid columns that have the mark of an edge. With search_path pg_catalog all other names are qualified.
SELECT d.adrelid::int8                                         AS relation,
       d.adnum::int                                            AS number,
       pg_get_expr(d.adbin, d.adrelid)                         AS text
FROM pg_attrdef d
JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = ANY ($1::oid[]) AND a.attgenerated = ''
  AND (a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    OR a.atttypid = 'uuid'::regtype AND col_description(d.adrelid, d.adnum) LIKE '%[rekey 2: edge%')
ORDER BY d.adrelid, d.adnum
