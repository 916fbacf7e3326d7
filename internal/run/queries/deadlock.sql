-- Returns whether backend $1 waits, directly or through others, for a session that waits for it. The server would end one of them because
-- of the deadlock. A backend of a Citus cluster also waits for the sessions that it has opened to its own server, whose names have the
-- number of the node, $2, and its process id.
WITH RECURSIVE blocking (pid) AS (
    SELECT unnest(pg_blocking_pids($1::int))
    UNION
    SELECT other.pid
    FROM blocking b
    CROSS JOIN LATERAL (
        SELECT unnest(pg_blocking_pids(b.pid))
        UNION ALL
        SELECT s.pid
        FROM pg_stat_activity s
        WHERE substring(s.application_name FROM '^citus_.* gpid=(\d{10,18})$')::int8 = $2::int8 * 10000000000 + b.pid
    ) other (pid)
)
SELECT EXISTS (SELECT FROM blocking WHERE pid = $1::int)
