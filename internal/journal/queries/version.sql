-- Returns the version of the journal's tables.
SELECT version FROM rekey.format;
