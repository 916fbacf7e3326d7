-- What prevents the removal of rows that die from now on, the oldest first, a line each. What the role may
-- not see is missing.
SELECT holder
FROM (SELECT format('the session %s%s, %s for %s', pid, coalesce(nullif(' of ' || application_name, ' of '), ''), state,
                    date_trunc('second', clock_timestamp() - xact_start)) AS holder,
             age(backend_xmin) AS old
      FROM pg_stat_activity
      WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()
        AND xact_start < clock_timestamp() - interval '1 second'
      UNION ALL
      SELECT format('the prepared transaction %s of %s', gid, prepared), age(transaction)
      FROM pg_prepared_xacts WHERE database = current_database()
      UNION ALL
      SELECT format('the replication slot %s', slot_name), age(xmin)
      FROM pg_replication_slots WHERE xmin IS NOT NULL
      UNION ALL
      SELECT format('the standby %s by its feedback', application_name), age(backend_xmin)
      FROM pg_stat_replication WHERE backend_xmin IS NOT NULL) AS held
ORDER BY old DESC
LIMIT 3
