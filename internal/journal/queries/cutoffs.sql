-- Returns, for each column of the tables $1, when it got its default and how its rows are filled.
SELECT relation, attnum, moment, source, "column", zone, key FROM rekey.moments WHERE relation = ANY ($1::oid[]);
