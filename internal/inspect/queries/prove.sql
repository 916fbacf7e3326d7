-- Calls the function and checks its values: version 7, the variant, different values, and the current time (RFC 9562,
-- section 5.7). Names and operators are built in, since the search_path begins with pg_catalog.
SELECT bool_and(substr(u::text, 15, 1) = '7')                                                     AS version,
       bool_and(substr(u::text, 20, 1) IN ('8', '9', 'a', 'b'))                                   AS variant,
       count(DISTINCT u) = count(*)                                                               AS distinct,
       bool_and(abs(('x' || lpad(substr(replace(u::text, '-', ''), 1, 12), 16, '0'))::bit(64)::int8
                - extract(epoch FROM clock_timestamp()) * 1000) < 60000)                          AS now
FROM (SELECT {}() AS u FROM generate_series(1, 64)) made
