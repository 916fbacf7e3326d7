-- Returns the policies of row-level security of the tables $1. "of_owner" says that a policy applies to the table's owner.
SELECT p.polrelid::int8                                        AS relation,
       p.polname                                               AS name,
       p.polcmd::text                                          AS command,
       p.polpermissive                                         AS permissive,
       EXISTS (SELECT FROM unnest(p.polroles) r (oid)
               WHERE CASE WHEN r.oid = 0 THEN true ELSE pg_has_role(c.relowner, r.oid, 'USAGE') END) AS of_owner,
       coalesce(pg_get_expr(p.polqual, p.polrelid), '')        AS using
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
WHERE p.polrelid = ANY ($1::oid[])
ORDER BY p.polrelid, p.polname
