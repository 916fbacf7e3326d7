DECLARE
    nested_error text; -- error text of a COMMIT that a surrounding transaction forbids
    own_error    text;
    seen_first   text[] := '{}'; -- state of the sessions that would block CREATE INDEX CONCURRENTLY, as first seen
    blockers     text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true);
    -- A nested DO can never commit. This block can, unless it runs inside a transaction; then both COMMITs fail with
    -- the same message.
    BEGIN
        EXECUTE 'DO ''BEGIN COMMIT; END''';
    EXCEPTION WHEN invalid_transaction_termination THEN
        nested_error := SQLERRM;
    END;
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        own_error := SQLERRM;
    END;
    IF own_error = nested_error THEN
        RAISE EXCEPTION USING ERRCODE = 'active_sql_transaction', MESSAGE = 'the script runs inside a transaction',
            DETAIL = 'CREATE INDEX CONCURRENTLY cannot run inside a transaction, and each statement commits by itself.',
            HINT = {transaction};
    END IF;
    -- The migrator's other session may hold a lock on its table, or a snapshot, and stay idle until this script ends. A
    -- session that becomes active within {idle_seconds} seconds belongs to the application.
    FOR seconds IN 0..{idle_seconds} LOOP
        PERFORM pg_stat_clear_snapshot();
        WITH candidate AS (
            SELECT a.pid, a.pid || ' ' || coalesce(l.virtualtransaction, '') || ' ' || coalesce(a.state_change::text, '') AS seen,
                format('pid %s%s holds a %s on %s', a.pid, coalesce(', ' || nullif(a.application_name, '') || ',', ''), l.mode, l.relation::regclass) AS description
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation
            WHERE l.locktype = 'relation' AND l.granted AND a.pid <> pg_backend_pid()
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
              AND (c.relname IN ({tables}) OR c.relname ILIKE '%migration%')
              AND a.usesysid IS NOT NULL AND coalesce(a.state, '') IN ('', 'idle in transaction')
            UNION ALL
            SELECT a.pid, a.pid || ' ' || a.xact_start || ' ' || a.state_change,
                format('pid %s%s, of the same role, program and address, is idle in a transaction and holds a snapshot', a.pid,
                    coalesce(', ' || nullif(a.application_name, '') || ',', ''))
            FROM pg_stat_activity a JOIN pg_stat_activity me ON me.pid = pg_backend_pid()
            WHERE a.pid <> me.pid AND a.datid = me.datid AND a.usesysid = me.usesysid AND a.application_name = me.application_name
              AND a.client_addr IS NOT DISTINCT FROM me.client_addr AND a.state = 'idle in transaction' AND a.backend_xmin IS NOT NULL
            UNION ALL
            SELECT w.pid, w.pid || ' waits', format('pid %s holds a snapshot and waits for an advisory lock of this session', w.pid)
            FROM pg_locks w JOIN pg_locks h USING (locktype, database, classid, objid, objsubid)
            WHERE w.locktype = 'advisory' AND NOT w.granted AND h.granted AND h.pid = pg_backend_pid()
        )
        SELECT coalesce(array_agg(seen), '{}'), string_agg(DISTINCT description, '; ') INTO seen_first, blockers
        FROM candidate WHERE seconds = 0 OR seen = ANY (seen_first);
        EXIT WHEN blockers IS NULL;
        IF seconds = {idle_seconds} THEN
            RAISE EXCEPTION USING ERRCODE = 'object_in_use', MESSAGE = 'CREATE INDEX CONCURRENTLY would wait forever for an idle transaction, possibly of the migrator itself',
                DETAIL = blockers, HINT = {lock};
        END IF;
        PERFORM pg_sleep(1);
    END LOOP;
END
