-- Returns the answer of each active primary node. $1 is the statement that they run. A node that does not answer has success
-- false, and the reason as its result.
SELECT a.nodeid::int4 AS id, a.success, coalesce(a.result, '') AS result
FROM run_command_on_all_nodes($1) a
ORDER BY a.nodeid
