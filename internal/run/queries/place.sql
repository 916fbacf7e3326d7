-- Which database of which server this is, as far as every role may know.
SELECT pg_postmaster_start_time()::text || ' ' || d.oid
FROM pg_database d
WHERE d.datname = current_database()
