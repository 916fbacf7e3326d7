-- Returns the names in $1 that no role has.
SELECT n.name FROM unnest($1::text[]) n (name)
WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = n.name)
