-- The smallest and the largest of some positive values of the column of a table: of its first rows, and of some
-- pages anywhere in it; and the server's time. A few thousand rows are read, however large the table is.
SELECT min(v)::float8                                          AS least,
       max(v)::float8                                          AS most,
       extract(epoch FROM statement_timestamp())::int8         AS now
FROM ((SELECT t.{} AS v FROM {} AS t LIMIT 1000)
      UNION ALL
      (SELECT t.{} FROM {} AS t TABLESAMPLE SYSTEM ({}) LIMIT 1000)) AS sample
WHERE v > 0
