-- How far the filling of the columns of the table with the oid $1 has come.
SELECT relation, filenode, attnum, region, state, filled
FROM rekey.cursors
WHERE relation = $1::oid
ORDER BY attnum, region;
