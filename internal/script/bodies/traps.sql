DECLARE
    outside  text; -- what the server says of a COMMIT that a transaction around this forbids
    here     text;
    first    text[] := '{}'; -- sessions that would keep CREATE INDEX CONCURRENTLY waiting for ever, as they were seen first
    stuck    text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true);
    -- A nested DO may never commit. This one may, unless a transaction is open around it; then both fail with the same words.
    BEGIN
        EXECUTE 'DO ''BEGIN COMMIT; END''';
    EXCEPTION WHEN invalid_transaction_termination THEN
        outside := SQLERRM;
    END;
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        here := SQLERRM;
    END;
    IF here = outside THEN
        RAISE EXCEPTION USING ERRCODE = 'active_sql_transaction', MESSAGE = 'a transaction is open around this script',
            DETAIL = 'CREATE INDEX CONCURRENTLY cannot run in one, and each statement commits by itself.',
            HINT = {transaction};
    END IF;
    -- A migrator's other session holds a lock on its table, or a snapshot, and does nothing until this ends. One that goes on
    -- within {patience} seconds is the application's.
    FOR look IN 0..{patience} LOOP
        PERFORM pg_stat_clear_snapshot();
        WITH suspect AS (
            SELECT a.pid, a.pid || ' ' || coalesce(l.virtualtransaction, '') || ' ' || coalesce(a.state_change::text, '') AS seen,
                format('pid %s%s holds a %s on %s', a.pid, coalesce(', ' || nullif(a.application_name, '') || ',', ''), l.mode, l.relation::regclass) AS said
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
            SELECT w.pid, w.pid || ' waits', format('pid %s waits for an advisory lock of this session, and holds a snapshot meanwhile', w.pid)
            FROM pg_locks w JOIN pg_locks h USING (locktype, database, classid, objid, objsubid)
            WHERE w.locktype = 'advisory' AND NOT w.granted AND h.granted AND h.pid = pg_backend_pid()
        )
        SELECT coalesce(array_agg(seen), '{}'), string_agg(DISTINCT said, '; ') INTO first, stuck
        FROM suspect WHERE look = 0 OR seen = ANY (first);
        EXIT WHEN stuck IS NULL;
        IF look = {patience} THEN
            RAISE EXCEPTION USING ERRCODE = 'object_in_use', MESSAGE = 'CREATE INDEX CONCURRENTLY would wait for an idle transaction, perhaps of the migrator itself, for ever',
                DETAIL = stuck, HINT = {lock};
        END IF;
        PERFORM pg_sleep(1);
    END LOOP;
END
