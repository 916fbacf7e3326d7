-- Returns what the server does: bytes of WAL since its beginning, the seconds by which the slowest standby or subscriber is
-- behind, as far as the role may see them, and the sessions of the database that wait for a lock.
SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::double precision,
       coalesce((SELECT pg_catalog.max(extract(epoch FROM r.replay_lag))
                 FROM pg_catalog.pg_stat_replication r
                 WHERE r.replay_lsn < pg_catalog.pg_current_wal_flush_lsn()), 0)::double precision,
       (SELECT count(DISTINCT l.pid)
        FROM pg_catalog.pg_locks l
        WHERE NOT l.granted
          AND l.pid <> pg_catalog.pg_backend_pid()
          AND (l.database IS NULL OR l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())))::integer;
