-- Returns the event triggers that are enabled in an ordinary session and that one of the commands $1 fires, with the owner
-- of the function, who can replace it. The one that Citus itself has is no news.
SELECT e.evtname                  AS name,
       e.evtevent                 AS event,
       coalesce(e.evttags, '{}')  AS tags,
       e.evtfoid::regprocedure::text AS function,
       pg_get_userbyid(p.proowner) AS owner,
       pg_has_role(p.proowner, current_user, k.kind) AND pg_has_role(p.proowner, session_user, k.kind) AS owner_becomes
FROM pg_event_trigger e
JOIN pg_proc p ON p.oid = e.evtfoid
CROSS JOIN (SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) k (kind)
WHERE e.evtenabled IN ('O', 'A') AND e.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop')
  AND (e.evttags IS NULL OR e.evttags && $1::text[])
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'citus'
                  WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid
                    AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
ORDER BY e.evtname
