-- Returns the smallest and the largest positive value of a column in a sample of a few thousand rows, and the server's
-- time. The sample has the first rows of the table and some random pages.
SELECT min(v)::float8                                          AS least,
       max(v)::float8                                          AS most,
       extract(epoch FROM statement_timestamp())::int8         AS now
FROM ((SELECT t.{} AS v FROM {} AS t LIMIT 1000)
      UNION ALL
      (SELECT t.{} FROM {} AS t TABLESAMPLE SYSTEM ({}) LIMIT 1000)) AS sample
WHERE v > 0
