-- Returns the standbys and logical subscribers that are connected. A role without pg_monitor sees neither state nor lag.
SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid)        AS name,
       r.state IS NULL                                                  AS hidden,
       coalesce(extract(epoch FROM r.replay_lag), 0)::float8            AS lag_seconds,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn), 0)::int8 AS behind,
       coalesce(pg_wal_lsn_diff(r.replay_lsn, '0/0'), 0)::int8          AS replayed
FROM pg_stat_replication r
WHERE CASE WHEN r.state IS NULL THEN r.application_name NOT IN ('pg_basebackup', 'pg_receivewal')
           ELSE r.state IN ('catchup', 'streaming') AND r.replay_lsn IS NOT NULL END
ORDER BY 1
