-- Returns the triggers of the tables $1 as query triggers does, with everything that defines what they do and when. The bits of
-- tgtype are 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead of.
SELECT t.tgrelid::int8          AS relation,
       t.tgname                 AS name,
       t.tgenabled::text        AS enabled,
       t.tgtype & 16 <> 0       AS on_update,
       CASE WHEN NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr) AND a.attgenerated <> '')
           THEN ARRAY (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr)
                       ORDER BY a.attnum) END AS of,
       t.tgfoid::regproc::text  AS function,
       t.oid::int8              AS oid,
       t.tgtype & 1 <> 0        AS row,
       t.tgtype & 2 <> 0        AS before,
       t.tgtype & 64 <> 0       AS instead_of,
       t.tgtype & 4 <> 0        AS on_insert,
       t.tgtype & 8 <> 0        AS on_delete,
       t.tgtype & 32 <> 0       AS on_truncate,
       t.tgconstraint <> 0      AS constraint,
       t.tgdeferrable           AS deferrable,
       t.tginitdeferred         AS deferred,
       coalesce(substring(d.text FROM ' WHEN (\(.*\)) EXECUTE FUNCTION '), '') AS when,
       d.text                   AS definition,
       t.tgparentid::int8       AS above,
       (SELECT m.description FROM pg_description m
        WHERE m.objoid = t.oid AND m.classoid = 'pg_trigger'::regclass AND m.objsubid = 0) AS comment,
       p.oid::int8              AS function_oid,
       n.nspname                AS function_schema,
       p.proname                AS function_name,
       pg_get_userbyid(p.proowner) AS function_owner,
       pg_has_role(p.proowner, current_user, k.kind) AND pg_has_role(p.proowner, session_user, k.kind) AS owner_becomes,
       p.prosecdef              AS definer,
       p.proconfig              AS config,
       md5(convert_to(p.prosrc, 'UTF8')) AS source,
       EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
               WHERE a.grantee <> p.proowner AND a.privilege_type = 'EXECUTE') AS public,
       p.provolatile = 'v'      AS volatile,
       concat(t.xmin, ' ', p.xmin) AS written
FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (SELECT pg_get_triggerdef(t.oid) AS text OFFSET 0) d
CROSS JOIN (SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) k (kind)
WHERE t.tgrelid = ANY ($1::oid[]) AND (NOT t.tgisinternal OR t.tgparentid <> 0
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype = 'f'))
ORDER BY t.tgrelid, t.tgname
