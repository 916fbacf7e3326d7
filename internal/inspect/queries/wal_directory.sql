-- The size of the WAL directory in bytes, for a role with pg_monitor.
SELECT coalesce(sum(size), 0)::int8 FROM pg_catalog.pg_ls_waldir()
