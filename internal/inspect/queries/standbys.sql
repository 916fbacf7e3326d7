-- Returns the standbys that stream from this server. A role without pg_monitor sees only their names.
SELECT application_name, coalesce(state, 'state not visible'), coalesce(sync_state IN ('sync', 'quorum'), false)
FROM pg_stat_replication
ORDER BY application_name
