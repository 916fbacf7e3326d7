-- The greatest key, and how many rows there are.
SELECT coalesce(max(t.id), 0), count(*) FROM {} t;
