-- What answers: asked first, in words that every server of the family and every old version knows, and
-- under whatever search_path the role has.
SELECT pg_catalog.version(), pg_catalog.current_setting('server_version_num')::int, pg_catalog.pg_backend_pid(),
       EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus')
