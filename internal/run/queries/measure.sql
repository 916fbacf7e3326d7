-- The size of the tables $1 with their indexes and the end of the WAL, in bytes, and how many rows were updated since the statistics
-- began, also in place. A session reports its updates about once a second.
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8               AS bytes,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8           AS wal,
       coalesce(sum(pg_stat_get_tuples_updated(c.oid)), 0)::int8           AS updated,
       coalesce(sum(pg_stat_get_tuples_hot_updated(c.oid)), 0)::int8       AS heap_only
FROM pg_class c
WHERE c.oid = ANY ($1::oid[])
