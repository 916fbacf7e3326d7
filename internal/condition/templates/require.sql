DECLARE
    wrong text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('quote_all_identifiers', 'off', true);
    SELECT string_agg(fact.wrong, ', ') INTO wrong
    FROM (VALUES
{facts}
    ) fact (wrong, holds) WHERE fact.holds IS NOT TRUE;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = {object} || ' is incomplete: ' || wrong, HINT = {again};
    END IF;
END
