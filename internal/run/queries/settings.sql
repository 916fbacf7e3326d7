-- Returns the settings that decide how a run behaves, in the order of their names. reset_val is the value before this session
-- changed the setting, with the unit.
SELECT s.name,
       CASE WHEN s.setting = s.reset_val THEN pg_catalog.current_setting(s.name) ELSE pg_catalog.concat_ws(' ', s.reset_val, s.unit) END
FROM pg_catalog.pg_settings s
WHERE s.name = ANY (ARRAY [
    'autovacuum', 'autovacuum_max_workers', 'autovacuum_naptime', 'autovacuum_vacuum_cost_delay', 'autovacuum_vacuum_scale_factor',
    'block_size', 'checkpoint_completion_target', 'checkpoint_timeout', 'data_checksums', 'effective_io_concurrency', 'fsync',
    'full_page_writes', 'hot_standby_feedback', 'idle_in_transaction_session_timeout', 'jit', 'maintenance_work_mem', 'max_connections',
    'max_parallel_maintenance_workers', 'max_slot_wal_keep_size', 'max_wal_size', 'min_wal_size', 'server_encoding', 'shared_buffers',
    'synchronous_commit', 'TimeZone', 'wal_buffers', 'wal_compression', 'wal_keep_size', 'wal_level', 'wal_segment_size', 'work_mem'])
ORDER BY pg_catalog.lower(s.name);
