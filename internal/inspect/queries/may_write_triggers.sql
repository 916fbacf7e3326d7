-- Reports whether the role may create functions in PL/pgSQL.
SELECT coalesce((SELECT has_language_privilege(l.oid, 'USAGE') FROM pg_language l WHERE l.lanname = 'plpgsql'), false)
