-- The rows that the application writes: those with an id above $1 and, of the others, each $2th.
SELECT t.id, coalesce({field}::text, ''), hashtextextended(ROW({columns})::text, 0), {uuid}
  FROM {} t
 WHERE t.id > $1 OR t.id % $2 = 0
 ORDER BY t.id;
