-- Returns the settings that a forecast needs, in bytes and seconds, and the connections. A setting that the role may not see has no
-- row in pg_settings. "free" and "role_free" are -1 without a limit; the sessions of other roles are visible to every role.
WITH setting AS (
    SELECT s.name, s.setting,
           CASE s.unit WHEN 'B' THEN 1 WHEN 'kB' THEN 1024 WHEN '8kB' THEN 8192 WHEN 'MB' THEN 1048576 ELSE 1 END AS unit
    FROM pg_settings s
), bytes AS (
    SELECT s.name, s.setting::numeric * s.unit AS value
    FROM setting s
    WHERE s.name IN ('max_wal_size', 'min_wal_size', 'wal_segment_size', 'maintenance_work_mem', 'shared_buffers')
), session AS (
    SELECT count(*) AS used, count(*) FILTER (WHERE a.usesysid = r.oid) AS own
    FROM pg_roles r
    CROSS JOIN pg_stat_activity a
    WHERE r.rolname = current_user AND a.datid IS NOT NULL AND a.usesysid IS NOT NULL
)
SELECT (SELECT value::int8 FROM bytes WHERE name = 'max_wal_size')         AS max_wal,
       (SELECT value::int8 FROM bytes WHERE name = 'min_wal_size')         AS min_wal,
       (SELECT value::int8 FROM bytes WHERE name = 'wal_segment_size')     AS segment,
       (SELECT value::int8 FROM bytes WHERE name = 'maintenance_work_mem') AS maintenance_memory,
       (SELECT value::int8 FROM bytes WHERE name = 'shared_buffers')       AS shared_buffers,
       (SELECT setting::float8 FROM setting WHERE name = 'checkpoint_timeout') AS checkpoint_seconds,
       (SELECT setting::float8 FROM setting WHERE name = 'checkpoint_completion_target') AS completion_target,
       current_setting('full_page_writes')::bool                           AS full_pages,
       current_setting('wal_compression') NOT IN ('off', 'false', 'no', '0') AS compressed,
       (SELECT CASE WHEN setting::int8 < 0 THEN -1 ELSE setting::int8 * 1048576 END
        FROM setting WHERE name = 'max_slot_wal_keep_size')                AS max_slot_wal,
       coalesce((SELECT setting FROM setting WHERE name = 'data_directory'), '') AS data_directory,
       inet_server_addr() IS NULL OR inet_server_addr() << '127.0.0.0/8' OR inet_server_addr() = '::1' AS local,
       current_setting('wal_level') = 'logical'                            AS logical,
       current_setting('archive_mode') <> 'off'
           AND coalesce((SELECT a.last_failed_time > coalesce(a.last_archived_time, '-infinity') FROM pg_stat_archiver a), false) AS archive_fails,
       has_function_privilege('pg_catalog.pg_ls_waldir()', 'EXECUTE')      AS lists_wal,
       (SELECT setting::int8 FROM setting WHERE name = 'autovacuum_freeze_max_age') AS freeze_age,
       (SELECT setting::int8 FROM setting WHERE name = 'autovacuum_multixact_freeze_max_age') AS multi_freeze_age,
       current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8
           - coalesce(current_setting('reserved_connections', true), '0')::int8 - s.used AS free,
       CASE WHEN r.rolconnlimit < 0 THEN -1 ELSE greatest(r.rolconnlimit - s.own, 0) END::int8 AS role_free
FROM session s, pg_roles r
WHERE r.rolname = current_user
