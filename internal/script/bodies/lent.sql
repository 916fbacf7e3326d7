-- Has this role rights that a table's owner has not? Then the filling must run none of his code.
    FOR lent IN
        SELECT filled.replica, array_agg(c.oid) AS tables
        FROM (VALUES
{fills}
        ) filled (oid, replica) JOIN pg_class c ON c.oid = filled.oid
        WHERE NOT {becomes}
        GROUP BY filled.replica
    LOOP
        FOR found IN EXECUTE {query} USING lent.tables, lent.replica LOOP
            SELECT c.oid::regclass AS name, pg_get_userbyid(c.relowner) AS owner INTO holder FROM pg_class c WHERE c.oid = found.relation::oid;
            CONTINUE WHEN (found.becomes OR found.owner = ANY (trusted)) AND (found.fault = '' OR holder.owner = ANY (trusted));
            RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
                MESSAGE = format('filling %s, a table of %s, would run %s of %s as %s', holder.name, holder.owner, found.runs, found.owner, current_user),
                DETAIL = format('An UPDATE of the table runs it for %s.', found.place)
                    || CASE found.fault WHEN '' THEN '' ELSE ' ' || upper(left(found.fault, 1)) || substr(found.fault, 2) || '.' END
                    || ' SET ROLE is no barrier against it.',
                HINT = format('Run this as the table''s owner; or, if you trust this code with the rights of %s, make the script again: rekey sql up --trust-owner %s',
                    current_user, {holder_word}) || CASE WHEN found.fault = '' AND found.owner <> holder.owner THEN ' --trust-owner ' || {owner_word} ELSE '' END;
        END LOOP;
    END LOOP;
