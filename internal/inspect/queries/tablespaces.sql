-- Returns the tablespaces $1 with the directory of each; the default one is in the data directory.
SELECT t.oid::int8                   AS oid,
       t.spcname::text               AS name,
       pg_tablespace_location(t.oid) AS path
FROM pg_tablespace t
WHERE t.oid = ANY ($1::oid[])
ORDER BY 2
