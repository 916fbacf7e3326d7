-- Some rows that the application does not write; its own rows may refer to them.
SELECT t.id FROM {} t WHERE t.id % $1 <> 0 ORDER BY t.id LIMIT 1000;
