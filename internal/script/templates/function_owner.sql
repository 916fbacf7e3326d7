FOR found IN
        SELECT format('%I.%I()', n.nspname, f.proname) AS name, pg_get_userbyid(f.proowner) AS owner
        FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
        WHERE n.nspname = {schema} AND f.proname = {name} AND f.pronargs = 0 AND NOT {owner}
          AND (SELECT bool_and(c.relowner = f.proowner) FROM pg_class c WHERE c.oid = ANY (ARRAY[
{tables}
        ]::oid[])) IS NOT TRUE
    LOOP
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('function %s belongs to %s, which %s does not trust', found.name, found.owner, current_user),
            DETAIL = 'The function was not called. As a column default it would run with the privileges of every role that inserts.',
            HINT = format('Run this as %s if the tables are its own; or rename the function: ALTER FUNCTION %s RENAME TO another_name;'
                || ' or, if you trust its owner, generate the script again: rekey sql up --trust-owner %s', found.owner, found.name, {owner_word});
    END LOOP;
