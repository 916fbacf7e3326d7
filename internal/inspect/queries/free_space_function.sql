-- Returns the function pgstattuple_approx of the extension pgstattuple, in C and executable for the role. The condition on its owner
-- follows.
SELECT n.nspname::text AS schema, p.proname::text AS name
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
JOIN pg_proc p ON p.oid = d.objid
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE e.extname = 'pgstattuple' AND p.proname = 'pgstattuple_approx' AND p.pronargs = 1 AND p.prokind = 'f' AND l.lanname = 'c'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
