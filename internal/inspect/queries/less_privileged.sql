-- Returns whether a role without all rights of this session owns one of the tables $1, a function or a domain: it is no
-- superuser and cannot become the session's roles. session_user counts too, because a function can undo SET ROLE.
WITH me AS (
    SELECT r.oid FROM pg_roles r WHERE r.rolname IN (current_user, session_user)
), owners AS (
    SELECT c.relowner AS oid FROM pg_class c WHERE c.oid = ANY ($1::oid[])
    UNION SELECT p.proowner FROM pg_proc p
    UNION SELECT t.typowner FROM pg_type t WHERE t.typtype = 'd'
)
SELECT EXISTS (
    SELECT FROM owners JOIN pg_roles r ON r.oid = owners.oid
    WHERE NOT r.rolsuper AND EXISTS (
        SELECT FROM me
        WHERE NOT pg_has_role(r.oid, me.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END))
) AS found
