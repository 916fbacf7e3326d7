-- Hashes $1 numbers as texts: work of the processor without a table. Every function is PostgreSQL's own.
SELECT count(hashtextextended(n::text || ' of the run', 0)) FROM generate_series(1, $1::int4) AS n
