-- Identifies the server. It runs first and works on old versions and on servers that only speak PostgreSQL's protocol, with
-- any search_path.
SELECT pg_catalog.version(), pg_catalog.current_setting('server_version_num')::int, pg_catalog.pg_backend_pid(),
       EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'citus')
