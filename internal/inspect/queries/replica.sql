-- Identifies the database, and returns the settings of a standby that decide on conflicts with its queries, in milliseconds.
WITH setting AS (
    SELECT jsonb_object_agg(s.name, s.setting) AS of
    FROM pg_settings s
    WHERE s.name IN ('max_standby_streaming_delay', 'max_standby_archive_delay', 'recovery_min_apply_delay', 'hot_standby_feedback')
)
SELECT pg_is_in_recovery()                                              AS recovering,
       d.datname::text                                                  AS database,
       d.oid::int8                                                      AS database_oid,
       has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS identifiable,
       (s.of ->> 'max_standby_streaming_delay')::int                    AS streaming_delay,
       (s.of ->> 'max_standby_archive_delay')::int                      AS archive_delay,
       (s.of ->> 'recovery_min_apply_delay')::int                       AS apply_delay,
       (s.of ->> 'hot_standby_feedback')::bool                          AS feedback
FROM pg_database d, setting s
WHERE d.datname = current_database()
