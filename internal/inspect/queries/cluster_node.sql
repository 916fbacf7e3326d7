-- Returns the state of one node as JSON: its versions, and prepared transactions of the cluster that are at least 5 seconds old.
-- It runs on every node with the role's own search_path.
SELECT pg_catalog.json_build_object(
    'library', pg_catalog."substring"(pg_catalog.citus_version(), '[0-9]+[.][0-9][0-9A-Za-z.]*'),
    'extension', (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname OPERATOR(pg_catalog.=) 'citus'),
    'pending', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object('gid', x.gid, 'age', pg_catalog.date_part('epoch', pg_catalog.now() OPERATOR(pg_catalog.-) x.prepared)))
        FROM pg_catalog.pg_prepared_xacts x
        WHERE x.database OPERATOR(pg_catalog.=) pg_catalog.current_database() AND x.gid OPERATOR(pg_catalog.~~) 'citus\_%'
          AND x.prepared OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => 5))))::text
