-- The most WAL between two checkpoints (bytes), and the time between them (seconds).
SELECT (SELECT setting::int8 * 1024 * 1024 FROM pg_settings WHERE name = 'max_wal_size') AS wal,
       (SELECT setting::int8 FROM pg_settings WHERE name = 'checkpoint_timeout')         AS seconds
