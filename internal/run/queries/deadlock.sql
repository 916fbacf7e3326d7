-- Does the backend $1 wait for a session that waits for it? One of the two would be ended as a deadlock.
SELECT EXISTS (
    SELECT FROM unnest(pg_blocking_pids($1::int)) AS other (pid)
    WHERE $1::int = ANY (pg_blocking_pids(other.pid)))
