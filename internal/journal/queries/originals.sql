-- Returns, for each column of the tables $1, how many values of other versions it had before the first up, and
-- whether it existed.
SELECT relation, attnum, found, adopted FROM rekey.kept WHERE relation = ANY ($1::oid[]);
