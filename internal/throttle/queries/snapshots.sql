-- What prevents the removal of dead rows in this database: transactions, prepared transactions, and the
-- xmin of slots and of standbys with hot_standby_feedback. A transaction has an age in seconds; an xmin
-- has only a position among the transaction IDs, where next is the next one to be assigned. Before 14,
-- transactions of other databases count too. A role without pg_monitor sees only its own.
WITH now AS (
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next
), held AS (
    SELECT format('pid %s, %s, %s', a.pid, coalesce(nullif(a.application_name, ''), a.usename), a.state) AS holder,
           extract(epoch FROM clock_timestamp() - a.xact_start)::float8                                  AS age,
           NULL::xid                                                                                     AS xmin
    FROM pg_stat_activity a
    WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
      AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
      AND (a.datname = current_database() OR current_setting('server_version_num')::int < 140000)
    UNION ALL
    SELECT format('prepared transaction %s', p.gid), extract(epoch FROM clock_timestamp() - p.prepared)::float8, NULL
    FROM pg_prepared_xacts p
    WHERE p.database = current_database() OR current_setting('server_version_num')::int < 140000
    UNION ALL
    SELECT format('replication slot %s', s.slot_name), NULL, s.xmin
    FROM pg_replication_slots s
    WHERE s.xmin IS NOT NULL
    UNION ALL
    SELECT format('standby %s', r.application_name), NULL, r.backend_xmin
    FROM pg_stat_replication r
    WHERE r.backend_xmin IS NOT NULL
)
SELECT h.holder                                     AS holder,
       coalesce(h.age, -1)                          AS age,
       coalesce(n.next - age(h.xmin), 0)::int8      AS position,
       n.next                                       AS next
FROM held h, now n
