-- One of the database's publications, if there is any.
SELECT p.pubname AS name FROM pg_publication p LIMIT 1
