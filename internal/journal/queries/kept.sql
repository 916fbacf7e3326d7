-- What each column of the tables $1 was like before the first up: how many values of another version it had, and whether it
-- was there at all.
SELECT relation, attnum, found, adopted FROM rekey.kept WHERE relation = ANY ($1::oid[]);
