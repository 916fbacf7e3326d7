-- Returns the progress of the index build of backend $1, and the sessions whose snapshots it waits for.
SELECT p.phase                                                                              AS phase,
       CASE WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END               AS done,
       CASE WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END             AS total,
       ARRAY (SELECT 'pid ' || concat_ws(', ', a.pid, nullif(a.application_name, ''), a.state)
              FROM pg_stat_activity a
              WHERE a.pid = p.current_locker_pid AND p.current_locker_pid <> 0)             AS waiting
FROM pg_stat_progress_create_index p
WHERE p.pid = $1::int
