-- Returns the names of the server's time zones.
SELECT name FROM pg_timezone_names
WHERE name NOT LIKE 'posix/%' AND name NOT LIKE 'right/%'
ORDER BY name;
