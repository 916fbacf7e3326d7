-- Fills every row that has no value{fill_comment} in batches, each in its own transaction. A batch locks its rows with FOR NO KEY
-- UPDATE SKIP LOCKED, so that foreign key checks continue, and skips rows that another transaction has locked. Its size is
-- adjusted so that it takes about {batch_time} ms, unless a smaller batch is not faster. A region of the table is filled
-- in waves: each wave updates some rows of every page, and the space that it leaves on the page allows HOT updates in the
-- next wave. Sweeps over the whole table follow until every row has a value. Can be interrupted and called again at any
-- time: it continues with the rows that are left.
CREATE OR REPLACE PROCEDURE {procedure_schema}.rekey_fill(target text, col text, value text, needed text, key text, by_tuple boolean,
    region bigint, waves integer[], batch bigint, replica boolean{fill_arguments})
LANGUAGE plpgsql AS {body};
--- body
DECLARE
    progress_at  timestamptz := pg_catalog.clock_timestamp(); -- start of the last sweep that filled rows
    noticed_at   timestamptz := progress_at;
    started      timestamptz;
    took         float8;
    halved_after float8; -- duration of the last batch, if the batch was halved because of it
    keep_size    integer := 0; -- number of batches during which the size is not halved
    pause        float8 := 0.05;
    is_needed    boolean;
    sweep        integer := 0;
    filled       bigint := 0;
    in_sweep     bigint;
    n            bigint;
    bound        integer;
    first        bigint; -- a range starts after this page or key; NULL is before every key
    last         bigint; -- and ends with this one
    pos          bigint;
    batch_end    bigint;
    condition    text;
{fill_variables}BEGIN
    LOOP
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true),
                pg_catalog.set_config('row_security', 'off', true),
                pg_catalog.set_config('lock_timeout', '0', true);
        EXECUTE 'SELECT ' || needed INTO is_needed;
        COMMIT;
        EXIT WHEN NOT is_needed;
        sweep := sweep + 1;
        in_sweep := 0;
        first := CASE WHEN key IS NULL THEN -1 END;
        LOOP -- regions
            IF key IS NULL THEN
                last := least(first + region, pg_catalog.pg_relation_size(pg_catalog.to_regclass(target))
                    / pg_catalog.current_setting('block_size')::bigint - 1);
                EXIT WHEN last <= first;
            ELSE
                PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true),
                        pg_catalog.set_config('row_security', 'off', true),
                        pg_catalog.set_config('enable_seqscan', 'off', true),
                        pg_catalog.set_config('enable_sort', 'off', true),
                        pg_catalog.set_config('enable_bitmapscan', 'off', true);
                EXECUTE format('SELECT max(k) FROM (SELECT %1$I::int8 AS k FROM ONLY %2$s WHERE %3$s ORDER BY %1$I LIMIT %4$s) AS part',
                    key, target, CASE WHEN first IS NULL THEN 'true' ELSE format('%I > %L::int8', key, first) END, region) INTO last;
                EXIT WHEN last IS NULL;
            END IF;
            COMMIT;
            FOREACH bound IN ARRAY waves LOOP
                pos := first;
                WHILE pos IS DISTINCT FROM last LOOP
                    started := pg_catalog.clock_timestamp();
                    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true),
                            pg_catalog.set_config('row_security', 'off', true),
                            pg_catalog.set_config('lock_timeout', '0', true),
                            pg_catalog.set_config('synchronous_commit', 'off', true);
                    IF replica THEN -- the application's ordinary triggers do not fire
                        PERFORM set_config('session_replication_role', 'replica', true);
                    END IF;
{fill_settings}                    IF key IS NULL THEN
                        batch_end := least(pos + batch, last);
                        IF by_tuple THEN -- PostgreSQL 13 has no TID range scan
                            condition := format('ctid = ANY (ARRAY (SELECT format(''(%%s,%%s)'', page, line)::tid'
                                || ' FROM generate_series(%s::int8, %s::int8) AS page, generate_series(1, 291) AS line))', pos + 1, batch_end);
                        ELSE
                            condition := format('ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''', pos + 1, batch_end + 1);
                        END IF;
                    ELSE
                        PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
                                set_config('enable_bitmapscan', 'off', true);
                        EXECUTE format('SELECT max(k), set_config(''enable_bitmapscan'', ''on'', true) FROM (SELECT %1$I::int8 AS k'
                            || ' FROM ONLY %2$s WHERE %3$s AND %1$I <= %5$L::int8 ORDER BY %1$I LIMIT %4$s) AS part',
                            key, target, CASE WHEN pos IS NULL THEN 'true' ELSE format('%I > %L::int8', key, pos) END, batch, last) INTO batch_end;
                        batch_end := coalesce(batch_end, last);
                        condition := CASE WHEN pos IS NULL THEN '' ELSE format('%I > %L::int8 AND ', key, pos) END || format('%I <= %L::int8', key, batch_end);
                    END IF;
                    IF bound < 1024 THEN
                        condition := condition || format(' AND (get_byte(tidsend(ctid), 5) * 633) & 1023 < %s', bound);
                    END IF;
                    {fill_update}
                    GET DIAGNOSTICS n = ROW_COUNT;
                    COMMIT;
                    pos := batch_end;
                    filled := filled + n;
                    in_sweep := in_sweep + n;
                    took := extract(epoch FROM pg_catalog.clock_timestamp() - started);
                    keep_size := keep_size - 1;
                    IF took <= 2 * {batch_time} / 1000.0 THEN
                        halved_after := NULL;
                        IF took < 0.5 * {batch_time} / 1000.0 THEN
                            batch := least(batch * 2, CASE WHEN key IS NULL THEN 4000 ELSE 20000 END);
                        END IF;
                    ELSIF took > 0.8 * halved_after THEN -- a smaller batch was not faster: restore the size
                        batch := batch * 2;
                        halved_after := NULL;
                        keep_size := 20;
                    ELSIF keep_size <= 0 OR took > 10 * {batch_time} / 1000.0 THEN
                        halved_after := CASE WHEN batch > 1 THEN took END;
                        batch := greatest(batch / 2, 1);
                    END IF;
                    IF clock_timestamp() > noticed_at + interval '10 seconds' THEN
                        RAISE NOTICE '%: % rows filled', target, filled;
                        noticed_at := clock_timestamp();
                    END IF;
                    PERFORM pg_catalog.pg_sleep(least(took, {batch_time} / 100.0) * {pause_factor});
                    COMMIT;
                END LOOP;
            END LOOP;
            first := last;
        END LOOP;
        COMMIT;
        waves := ARRAY[1024]; -- a sweep fills all rows that the waves left, such as moved or locked ones
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('row_security', 'off', true);
        {fill_left}
        COMMIT;
        EXIT WHEN NOT is_needed;
        IF sweep > 20 AND in_sweep > 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'not_null_violation',
                MESSAGE = format('%s: the application keeps writing NULL into %s', target, col),
                HINT = 'Stop the statements that write NULL, and run this again.';
        ELSIF in_sweep > 0 THEN
            progress_at := clock_timestamp();
            pause := 0.05;
        ELSIF clock_timestamp() > progress_at + interval '{lock_retry_timeout} milliseconds' THEN
            RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
                MESSAGE = format('%s: rows without a value in %s are locked by other transactions, or a trigger removes the value', target, col),
                HINT = 'All rows filled so far are committed. End the transactions, or change the trigger, and run this again.';
        ELSE
            RAISE NOTICE '%: other transactions lock rows without a value; retrying in % s', target, pause;
        END IF;
        PERFORM pg_catalog.pg_sleep(pause);
        COMMIT;
        pause := least(pause * 2, 5);
    END LOOP;
{fill_done}
END
