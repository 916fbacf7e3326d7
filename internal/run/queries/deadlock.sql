-- Returns whether backend $1 waits for a session that waits for it. The server would end one of the two because of
-- the deadlock.
SELECT EXISTS (
    SELECT FROM unnest(pg_blocking_pids($1::int)) AS other (pid)
    WHERE $1::int = ANY (pg_blocking_pids(other.pid)))
