-- Some rows that nobody writes and that the application's may refer to.
SELECT t.id FROM {} t WHERE t.id % $1 <> 0 ORDER BY t.id LIMIT 1000;
