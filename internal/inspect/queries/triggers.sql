-- Returns the triggers of the tables $1 without PostgreSQL's own. Bit 16 of tgtype is UPDATE. "of" has the columns of
-- UPDATE OF, or is NULL if one of them is generated: an update of any column may then fire the trigger. On 13 and 14 a
-- partition's copy of a trigger counts as internal; a foreign key's triggers do on every version.
SELECT t.tgrelid::int8          AS relation,
       t.tgname                 AS name,
       t.tgenabled::text        AS enabled,
       t.tgtype & 16 <> 0       AS on_update,
       CASE WHEN NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr) AND a.attgenerated <> '')
           THEN ARRAY (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr)
                       ORDER BY a.attnum) END AS of,
       t.tgfoid::regproc::text  AS function
FROM pg_trigger t
WHERE t.tgrelid = ANY ($1::oid[]) AND (NOT t.tgisinternal OR t.tgparentid <> 0
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype = 'f'))
ORDER BY t.tgrelid, t.tgname
