DECLARE
    recorded text; -- the version
    faults   text[] := '{}';
    running  boolean;
    trusted  name[] := {trusted}; -- --trust-owner of rekey sql
    found    record;
    lent     record;
    holder   record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('quote_all_identifiers', 'off', true);
    IF current_setting('server_version_num')::int / 10000 <> {major} THEN
        RAISE EXCEPTION USING MESSAGE = format('this was made for PostgreSQL {major}, and the server is %s', current_setting('server_version')),
            HINT = {again};
    END IF;
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'the server is a standby: nothing can be changed here';
    END IF;
    {settings}
    IF to_regnamespace({schema}) IS NULL THEN
        RAISE EXCEPTION USING MESSAGE = format('there is no schema %s in the database %I', {schema}, current_database()),
            HINT = 'Is it the right database?';
    END IF;
    {version}
    -- Whose is the schema rekey, and what is in it? Nothing of it is read or called before that is known.
    FOR found IN EXECUTE {journal} LOOP
        CONTINUE WHEN found.fault = '' AND found.owner = ANY (trusted);
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = CASE found.fault WHEN '' THEN format('%s belongs to %s, whose code does not run as %s', found.name, found.owner, current_user)
                ELSE format('%s of %s is not the journal''s: %s', found.name, found.owner, found.fault) END,
            DETAIL = 'Nothing in the schema was read or written: that would run its owner''s code.',
            HINT = CASE found.fault WHEN '' THEN format('Run this as %s; or, if rekey did not make it, let a DBA rename the schema: ALTER SCHEMA rekey RENAME TO another_name;'
                    || ' or, if you trust its owner, make the script again: rekey sql {direction} --trust-owner %s', found.owner, {owner_word})
                ELSE 'Drop what is not its own, or let a DBA rename the schema: ALTER SCHEMA rekey RENAME TO another_name; then run this again.' END;
    END LOOP;
    {creators}
    IF to_regclass('rekey.leases') IS NOT NULL AND has_schema_privilege('rekey', 'USAGE') AND has_table_privilege('rekey.leases', 'SELECT') THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM rekey.leases WHERE scope = $1 AND heartbeat > clock_timestamp() - interval ''12 seconds'')'
        INTO running USING {scope};
        IF running THEN
            RAISE EXCEPTION 'rekey itself is at work in this schema: run one or the other';
        END IF;
    END IF;
    {lock}
    {whose}
    WITH made (place, name, kind, top, col, state, mark) AS (VALUES
{tables}
    ), relation AS (
        SELECT made.*, c.oid, c.relkind, c.relowner, a.attnum, a.atttypid, a.attnotnull,
            coalesce(col_description(m.attrelid, m.attnum), '') AS comment
        FROM made
        LEFT JOIN pg_class c ON c.oid = to_regclass(made.name)
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = made.col AND NOT a.attisdropped
        LEFT JOIN pg_attribute m ON m.attrelid = to_regclass(made.top) AND m.attname = made.col AND NOT m.attisdropped
    )
    SELECT coalesce(array_agg(fault ORDER BY place), '{}') INTO faults
    FROM (SELECT place, CASE
            WHEN state = 'absent' THEN CASE WHEN oid IS NOT NULL THEN 'there is a table ' || name || ' now' END
            WHEN oid IS NULL THEN 'there is no table ' || name || ' any more'
            WHEN relkind::text <> kind THEN name || CASE kind WHEN 'p' THEN ' is no partitioned table' ELSE ' is no ordinary table' END
            WHEN NOT pg_has_role(relowner, 'USAGE') THEN name || ' belongs to another role than ' || current_user
            WHEN atttypid <> 'uuid'::regtype THEN name || ' has a column of that name and another type now'
            WHEN state = 'no column' AND attnum IS NOT NULL AND NOT {settled} AND strpos(comment, mark) = 0 THEN name || ' has a column of that name now'
            WHEN state = 'column' AND attnum IS NULL THEN name || ' has no such column any more'
            WHEN top <> name AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = oid) THEN name || ' is below no other table any more'
        END AS fault FROM relation
        UNION ALL
        SELECT relation.place, 'there is a table ' || h.inhrelid::regclass || ' below ' || relation.name || ' now'
        FROM relation JOIN pg_inherits h ON h.inhparent = relation.oid
        WHERE relation.state <> 'version' AND h.inhrelid NOT IN (SELECT oid FROM relation WHERE oid IS NOT NULL)) AS found
    WHERE fault IS NOT NULL;
    IF {function} THEN
        faults := faults || 'there is another function of the name that the default calls'::text;
    END IF;
    IF faults <> '{}' THEN
        RAISE EXCEPTION USING MESSAGE = 'the database is not as it was when this was made', DETAIL = array_to_string(faults, E'\n'),
            HINT = {again};
    END IF;
    {lent}
    {then}
END
