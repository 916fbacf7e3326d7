-- The number of rows of table $1 that this session has updated, and the heap-only ones among them.
SELECT pg_stat_get_xact_tuples_updated($1::oid), pg_stat_get_xact_tuples_hot_updated($1::oid)
