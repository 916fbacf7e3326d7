-- Returns one of the database's publications, or no row if it has none.
SELECT p.pubname AS name FROM pg_publication p LIMIT 1
