-- The time zones that the server knows.
SELECT name FROM pg_timezone_names
WHERE name NOT LIKE 'posix/%' AND name NOT LIKE 'right/%'
ORDER BY name;
