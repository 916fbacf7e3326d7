-- Rows of table $1 that this session updated, and those of them heap-only, up to now.
SELECT pg_stat_get_xact_tuples_updated($1::oid), pg_stat_get_xact_tuples_hot_updated($1::oid)
