-- Would a statement of this script run code with privileges that the code's owner does not have?
    FOR checked IN
        SELECT concerned.replica, concerned.fills, array_agg(concerned.oid) AS tables
        FROM (VALUES
{tables}
        ) concerned (oid, replica, fills)
        GROUP BY concerned.replica, concerned.fills
    LOOP
        FOR found IN EXECUTE {query} USING checked.tables, checked.replica, {columns} LOOP
            CONTINUE WHEN CASE found.fault WHEN '' THEN found.owner ELSE found.holder END = ANY (trusted) OR found.fires AND NOT checked.fills;
            SELECT c.oid::regclass AS name, pg_get_userbyid(c.relowner) AS owner INTO holder FROM pg_class c WHERE c.oid = found.relation::oid;
            RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
                MESSAGE = format('%s of %s would run as %s on table %s of %s', found.runs, found.owner, session_user, holder.name, holder.owner),
                DETAIL = format('Reading or writing the table runs it for %s.', found.place)
                    || CASE found.fault WHEN '' THEN '' ELSE format(' The expression belongs to %s: %s.', found.holder, found.fault) END
                    || ' SET ROLE does not prevent it.',
                HINT = format('Run this as the table''s owner; or, if you trust this code with the privileges of %s, generate the script again: rekey sql {direction} --trust-owner %s',
                    session_user, {owner_word});
        END LOOP;
    END LOOP;
