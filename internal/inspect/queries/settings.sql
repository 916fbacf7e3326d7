-- Returns the settings $1 as a new session of the role gets them: a transaction of rekey's has set some of them for itself.
SELECT s.name, coalesce(s.reset_val, s.setting) AS value, coalesce(s.unit, '') AS unit, s.source
FROM pg_settings s
WHERE s.name = ANY ($1::text[])
