-- Calls the function and looks at what it makes: version 7, the RFC's variant, the time of now, and
-- never twice the same (RFC 9562, section 5.7).
-- Every name and operator is PostgreSQL's own: the search_path begins with pg_catalog.
SELECT bool_and(substr(u::text, 15, 1) = '7')                                                     AS version,
       bool_and(substr(u::text, 20, 1) IN ('8', '9', 'a', 'b'))                                   AS variant,
       count(DISTINCT u) = count(*)                                                               AS distinct,
       bool_and(abs(('x' || lpad(substr(replace(u::text, '-', ''), 1, 12), 16, '0'))::bit(64)::int8
                - extract(epoch FROM clock_timestamp()) * 1000) < 60000)                          AS now
FROM (SELECT {}() AS u FROM generate_series(1, 64)) made
