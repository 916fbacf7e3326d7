-- Returns the last $2 runs in schema $1, the newest first. Journals of version 1 have no column phase.
SELECT id, scope, host, pid, program, command, target, coalesce(to_jsonb(r) ->> 'phase', ''), started, ended,
       coalesce(outcome, ''), detail, filled
FROM rekey.runs r
WHERE scope = $1::text
ORDER BY id DESC
LIMIT $2::bigint;
