-- Returns the transactions that prevent the removal of dead rows in this database and are older than $1 seconds, the oldest first. A
-- role without pg_monitor sees those of its own. Before 14, transactions of other databases count too.
SELECT a.pid                                                         AS pid,
       coalesce(nullif(a.application_name, ''), a.usename::text, '') AS application,
       coalesce(a.state, '')                                         AS state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8  AS seconds,
       ''                                                            AS prepared
FROM pg_stat_activity a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
  AND (a.datname = current_database() OR current_setting('server_version_num')::int < 140000)
  AND a.xact_start < clock_timestamp() - make_interval(secs => $1)
UNION ALL
SELECT 0, '', 'prepared', extract(epoch FROM clock_timestamp() - p.prepared)::float8, p.gid
FROM pg_prepared_xacts p
WHERE (p.database = current_database() OR current_setting('server_version_num')::int < 140000)
  AND p.prepared < clock_timestamp() - make_interval(secs => $1)
ORDER BY seconds DESC
LIMIT 10
