-- The greatest key and the number of rows.
SELECT coalesce(max(t.id), 0), count(*) FROM {} t;
