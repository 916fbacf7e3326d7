-- Returns who holds the lease of schema $1, whether its heartbeat is younger than $2 seconds, and why the run
-- pauses, if it does. A heartbeat in the future counts as old: the server's clock was set back, or a standby with
-- another clock was promoted.
SELECT l.host, l.pid, l.program, l.command, l.taken,
       extract(epoch FROM clock_timestamp() - l.heartbeat)::double precision,
       abs(extract(epoch FROM clock_timestamp() - l.heartbeat)) <= $2::double precision,
       coalesce(s.reason, ''), s.since
FROM rekey.leases l
LEFT JOIN rekey.standstills s ON s.token = l.token
WHERE l.scope = $1;
