-- Returns the constraints of the tables $1, without the NOT NULL constraints of PostgreSQL 18.
SELECT k.conrelid::int8                                        AS relation,
       k.conname                                               AS name,
       k.contype::text                                         AS kind,
       ARRAY (SELECT a.attname::text
              FROM unnest(k.conkey) WITH ORDINALITY u (attnum, n)
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
              ORDER BY u.n)                                    AS columns,
       k.convalidated                                          AS validated,
       pg_get_constraintdef(k.oid)                             AS definition
FROM pg_constraint k
WHERE k.conrelid = ANY ($1::oid[]) AND k.contype <> 'n'
ORDER BY k.conrelid, k.conname
