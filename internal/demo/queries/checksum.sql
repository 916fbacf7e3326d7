-- How many rows nobody writes, and a sum over them that no order changes. The application
-- writes those above $1 and, of the others, each $2th.
SELECT count(*), coalesce(sum(hashtextextended(ROW({columns})::text, 0)), 0)::text
  FROM {} t
 WHERE t.id <= $1 AND ($2 = 0 OR t.id % $2 <> 0);
