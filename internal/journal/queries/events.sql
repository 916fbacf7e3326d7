-- Returns the rows of run $1 that have events after position $2.
SELECT seq, line
FROM rekey.events
WHERE run = $1::bigint AND seq > $2::bigint
ORDER BY seq;
