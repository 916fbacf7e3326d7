SELECT name, current_setting(name)
FROM pg_settings
WHERE name IN ('autovacuum', 'checkpoint_timeout', 'data_checksums', 'fsync', 'full_page_writes', 'io_method', 'jit',
               'maintenance_work_mem', 'max_parallel_maintenance_workers', 'max_wal_size', 'min_wal_size', 'shared_buffers',
               'synchronous_commit', 'wal_compression', 'wal_level', 'work_mem')
ORDER BY name
