-- Returns whether the extension pgstattuple is installed in the database, and whether it could be.
SELECT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pgstattuple')           AS installed,
       EXISTS (SELECT FROM pg_available_extensions a WHERE a.name = 'pgstattuple') AS available
