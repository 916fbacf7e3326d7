-- When each column of the tables $1 got its default, and by what its rows were filled.
SELECT relation, attnum, moment, source, "column", zone, key FROM rekey.moments WHERE relation = ANY ($1::oid[]);
