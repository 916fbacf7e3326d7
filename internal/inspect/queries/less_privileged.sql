-- Can code that hangs on the tables $1 be changed by a role that has not all rights of this session: an owner of one of
-- them, of a function or of a domain? No superuser, and not able to become the session's roles. SET ROLE is no barrier:
-- a function may take it back, so that session_user counts as well.
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
) AS lesser
