-- Standbys that stream from here. A role without pg_monitor sees their names only.
SELECT application_name, coalesce(state, 'state not visible'), coalesce(sync_state IN ('sync', 'quorum'), false)
FROM pg_stat_replication
ORDER BY application_name
