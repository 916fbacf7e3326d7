-- The event triggers that are enabled for a session of the application's and that one of the commands $1 fires.
SELECT e.evtname                  AS name,
       e.evtevent                 AS event,
       coalesce(e.evttags, '{}')  AS tags,
       e.evtfoid::regprocedure::text AS function
FROM pg_event_trigger e
WHERE e.evtenabled IN ('O', 'A') AND e.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop')
  AND (e.evttags IS NULL OR e.evttags && $1::text[])
ORDER BY e.evtname
