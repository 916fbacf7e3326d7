-- Which database of which server this is, as far as every role may know.
SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::int8 || ' ' || d.oid
FROM pg_database d
WHERE d.datname = current_database()
