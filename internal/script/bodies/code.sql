tables := ARRAY[
{tables}
    ]::oid[];
    SELECT string_agg(DISTINCT c.runs || ' of ' || c.owner || ' for ' || c.place, ', ') INTO code
    FROM (
{query}
    ) AS c
    WHERE CASE WHEN c.fault = '' THEN c.owner ELSE c.holder END <> ALL ({trusts});
    IF code IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = format('this would execute as %s what other roles can change: %s', session_user, code),
            HINT = 'Run it as the owner of the tables, or make it anew with --trust-owner.';
    END IF;
