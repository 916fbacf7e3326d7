-- The lag of each standby and each logical subscriber: the server's figure in seconds, and the WAL
-- positions replayed there and written here, in bytes. For a role without pg_monitor a standby's state
-- and lag are hidden. Clients that receive WAL without replaying it are left out,
-- and the subscriptions with which a Citus cluster moves or splits shards: a run pauses for the move itself.
SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid)          AS name,
       r.state IS NULL                                                    AS hidden,
       coalesce(extract(epoch FROM r.replay_lag), 0)::float8              AS lag,
       coalesce(pg_wal_lsn_diff(r.replay_lsn, '0/0'), 0)::int8            AS replayed,
       pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8                 AS written
FROM pg_stat_replication r
WHERE CASE WHEN r.state IS NULL THEN r.application_name NOT IN ('pg_basebackup', 'pg_receivewal')
           ELSE r.state IN ('catchup', 'streaming') AND r.replay_lsn IS NOT NULL END
  AND r.application_name !~ '^citus_shard_(move|split)_subscription_'
ORDER BY 1
