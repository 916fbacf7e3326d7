-- Returns a text that identifies the database and its server, from columns that every role may read.
SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::int8 || ' ' || d.oid
FROM pg_database d
WHERE d.datname = current_database()
