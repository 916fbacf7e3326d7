-- Returns the last run in schema $1.
SELECT id, scope, host, pid, program, command, target, started, ended,
       coalesce(outcome, ''), detail, filled
FROM rekey.runs
WHERE scope = $1
ORDER BY id DESC
LIMIT 1;
