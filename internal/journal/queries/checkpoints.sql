-- Returns the progress of the backfill for the table with the oid $1, one row per column and region.
SELECT relation, filenode, attnum, region, state, filled
FROM rekey.cursors
WHERE relation = $1::oid
ORDER BY attnum, region;
