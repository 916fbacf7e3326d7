-- The number of rows that the application does not write, and a checksum of them that does not depend on their
-- order. The application writes the rows with an id above $1 and, of the others, each $2th.
SELECT count(*), coalesce(sum(hashtextextended(ROW({columns})::text, 0)), 0)::text
  FROM {} t
 WHERE t.id <= $1 AND ($2 = 0 OR t.id % $2 <> 0);
