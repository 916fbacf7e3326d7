SELECT pg_table_size('public.items') AS table_bytes, pg_indexes_size('public.items') AS index_bytes,
       coalesce(n_tup_upd, 0) AS updated, coalesce(n_tup_hot_upd, 0) AS hot
FROM pg_stat_user_tables
WHERE relid = 'public.items'::regclass
