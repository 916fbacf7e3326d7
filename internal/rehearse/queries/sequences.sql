-- Returns the sequences of schema $1 that have given a value, with the last one.
SELECT s.sequencename::text, s.last_value
FROM pg_sequences s
WHERE s.schemaname = $1 AND s.last_value IS NOT NULL
ORDER BY 1
