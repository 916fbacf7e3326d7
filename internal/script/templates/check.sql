DECLARE
    recorded text; -- the recorded version
    faults   text[] := '{}';
    running  boolean;
    trusted  name[] := {trusted}; -- --trust-owner of rekey sql
    found    record;
    checked  record;
    holder   record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('quote_all_identifiers', 'off', true);
    IF current_setting('server_version_num')::int / 10000 <> {major} THEN
        RAISE EXCEPTION USING MESSAGE = format('the script was made for PostgreSQL {major}, but the server is %s', current_setting('server_version')),
            HINT = {again};
    END IF;
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'the server is a standby and accepts no changes';
    END IF;
    {settings}
    IF to_regnamespace({schema}) IS NULL THEN
        RAISE EXCEPTION USING MESSAGE = format('schema %s does not exist in database %I', {schema}, current_database()),
            HINT = 'Check the name of the database.';
    END IF;
    {version}
    -- Check the owners of schema rekey and of its objects before anything in it is read or called.
    FOR found IN EXECUTE {journal} LOOP
        CONTINUE WHEN found.fault = '' AND found.owner = ANY (trusted);
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = CASE found.fault WHEN '' THEN format('%s belongs to %s, which %s does not trust', found.name, found.owner, current_user)
                ELSE format('%s of %s is not part of the journal: %s', found.name, found.owner, found.fault) END,
            DETAIL = 'Nothing in the schema was read or written, since that could run its owner''s code.',
            HINT = CASE found.fault WHEN '' THEN format('Run this as %s; or, if rekey did not create it, ask a DBA to rename the schema: ALTER SCHEMA rekey RENAME TO another_name;'
                    || ' or, if you trust its owner, generate the script again: rekey sql {direction} --trust-owner %s', found.owner, {owner_word})
                ELSE 'Drop the object, or ask a DBA to rename the schema: ALTER SCHEMA rekey RENAME TO another_name; then run this again.' END;
    END LOOP;
    {create_privilege_check}
    IF to_regclass('rekey.leases') IS NOT NULL AND has_schema_privilege('rekey', 'USAGE') AND has_table_privilege('rekey.leases', 'SELECT') THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM rekey.leases WHERE scope = $1 AND heartbeat > clock_timestamp() - interval ''12 seconds'')'
        INTO running USING {scope};
        IF running THEN
            RAISE EXCEPTION 'rekey is running in this schema; run either rekey or the script';
        END IF;
    END IF;
    {lock}
    {function_owner_check}
    WITH expected (ordinal, name, kind, top, col, state, mark) AS (VALUES
{tables}
    ), relation AS (
        SELECT expected.*, c.oid, c.relkind, c.relowner, a.attnum, a.atttypid, a.attnotnull,
            coalesce(col_description(m.attrelid, m.attnum), '') AS comment
        FROM expected
        LEFT JOIN pg_class c ON c.oid = to_regclass(expected.name)
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = expected.col AND NOT a.attisdropped
        LEFT JOIN pg_attribute m ON m.attrelid = to_regclass(expected.top) AND m.attname = expected.col AND NOT m.attisdropped
    )
    SELECT coalesce(array_agg(fault ORDER BY ordinal), '{}') INTO faults
    FROM (SELECT ordinal, CASE
            WHEN state = 'absent' THEN CASE WHEN oid IS NOT NULL THEN 'table ' || name || ' exists now' END
            WHEN oid IS NULL THEN 'table ' || name || ' no longer exists'
            WHEN relkind::text <> kind THEN name || CASE kind WHEN 'p' THEN ' is not a partitioned table' ELSE ' is not an ordinary table' END
            WHEN NOT pg_has_role(relowner, 'USAGE') THEN name || ' is not owned by ' || current_user
            WHEN atttypid <> 'uuid'::regtype THEN name || ' now has a column of that name with another type'
            WHEN state = 'no column' AND attnum IS NOT NULL AND NOT {settled} AND strpos(comment, mark) = 0 THEN name || ' now has a column of that name'
            WHEN state = 'column' AND attnum IS NULL THEN name || ' no longer has the column'{edge_column}
            WHEN top <> name AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = oid) THEN name || ' is no longer a partition or child'
        END AS fault FROM relation
        UNION ALL
        SELECT relation.ordinal, 'table ' || h.inhrelid::regclass || ' is now a partition or child of ' || relation.name
        FROM relation JOIN pg_inherits h ON h.inhparent = relation.oid
        WHERE relation.state <> 'version' AND h.inhrelid NOT IN (SELECT oid FROM relation WHERE oid IS NOT NULL)) AS found
    WHERE fault IS NOT NULL;
    IF {function} THEN
        faults := faults || 'the function that the default calls has changed'::text;
    END IF;
    IF faults <> '{}' THEN
        RAISE EXCEPTION USING MESSAGE = 'the database has changed since the script was made', DETAIL = array_to_string(faults, E'\n'),
            HINT = {again};
    END IF;
    {code_check}
    {then}
END
