-- Gives every row without a value one, in batches that are committed each. Each batch locks its own rows
-- (FOR NO KEY UPDATE SKIP LOCKED, so that foreign keys go on being checked), passes over those that
-- somebody holds, and is sized so that it takes about {batch_time} ms, unless it takes more whatever its
-- size. A region of the table is gone over in
-- waves, each of which takes some rows of every page: the room that one wave leaves lets the next
-- update in place. Sweeps over the whole table follow until no row is without a value. Ended anywhere and
-- called again it goes on with what is left.
CREATE OR REPLACE PROCEDURE {home}.rekey_fill(target text, col text, value text, needed text, key text, by_tuple boolean,
    region bigint, waves integer[], batch bigint, replica boolean)
LANGUAGE plpgsql AS {body};
--- body
DECLARE
    begun     timestamptz := pg_catalog.clock_timestamp(); -- of the last sweep that filled something
    told      timestamptz := begun;
    started   timestamptz;
    took      float8;
    former    float8; -- what the last batch took, if it was halved for that
    kept      integer := 0; -- for how many batches yet it is not halved
    pause     float8 := 0.05;
    wanted    boolean;
    sweep     integer := 0;
    filled    bigint := 0;
    in_sweep  bigint;
    n         bigint;
    bound     integer;
    first     bigint; -- a range begins after this page or key; NULL is before every key
    last      bigint; -- and ends with this one
    place     bigint;
    upto      bigint;
    condition text;
BEGIN
    LOOP
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true),
                pg_catalog.set_config('row_security', 'off', true),
                pg_catalog.set_config('lock_timeout', '0', true);
        EXECUTE 'SELECT ' || needed INTO wanted;
        COMMIT;
        EXIT WHEN NOT wanted;
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
                place := first;
                WHILE place IS DISTINCT FROM last LOOP
                    started := pg_catalog.clock_timestamp();
                    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true),
                            pg_catalog.set_config('row_security', 'off', true),
                            pg_catalog.set_config('lock_timeout', '0', true),
                            pg_catalog.set_config('synchronous_commit', 'off', true);
                    IF replica THEN -- the application's ordinary triggers do not fire
                        PERFORM set_config('session_replication_role', 'replica', true);
                    END IF;
                    IF key IS NULL THEN
                        upto := least(place + batch, last);
                        IF by_tuple THEN -- PostgreSQL 13 has no TID range scan
                            condition := format('ctid = ANY (ARRAY (SELECT format(''(%%s,%%s)'', page, line)::tid'
                                || ' FROM generate_series(%s::int8, %s::int8) AS page, generate_series(1, 291) AS line))', place + 1, upto);
                        ELSE
                            condition := format('ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''', place + 1, upto + 1);
                        END IF;
                    ELSE
                        PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
                                set_config('enable_bitmapscan', 'off', true);
                        EXECUTE format('SELECT max(k), set_config(''enable_bitmapscan'', ''on'', true) FROM (SELECT %1$I::int8 AS k'
                            || ' FROM ONLY %2$s WHERE %3$s AND %1$I <= %5$L::int8 ORDER BY %1$I LIMIT %4$s) AS part',
                            key, target, CASE WHEN place IS NULL THEN 'true' ELSE format('%I > %L::int8', key, place) END, batch, last) INTO upto;
                        upto := coalesce(upto, last);
                        condition := CASE WHEN place IS NULL THEN '' ELSE format('%I > %L::int8 AND ', key, place) END || format('%I <= %L::int8', key, upto);
                    END IF;
                    IF bound < 1024 THEN
                        condition := condition || format(' AND (get_byte(tidsend(ctid), 5) * 633) & 1023 < %s', bound);
                    END IF;
                    EXECUTE format('UPDATE ONLY %1$s SET %2$I = %3$s WHERE ctid = ANY (ARRAY ('
                        || 'SELECT ctid FROM ONLY %1$s WHERE %4$s AND %2$I IS NULL FOR NO KEY UPDATE SKIP LOCKED))',
                        target, col, value, condition);
                    GET DIAGNOSTICS n = ROW_COUNT;
                    COMMIT;
                    place := upto;
                    filled := filled + n;
                    in_sweep := in_sweep + n;
                    took := extract(epoch FROM pg_catalog.clock_timestamp() - started);
                    kept := kept - 1;
                    IF took <= 2 * {batch_time} / 1000.0 THEN
                        former := NULL;
                        IF took < 0.5 * {batch_time} / 1000.0 THEN
                            batch := least(batch * 2, CASE WHEN key IS NULL THEN 4000 ELSE 20000 END);
                        END IF;
                    ELSIF took > 0.8 * former THEN -- halved in vain: it takes that whatever its size
                        batch := batch * 2;
                        former := NULL;
                        kept := 20;
                    ELSIF kept <= 0 OR took > 10 * {batch_time} / 1000.0 THEN
                        former := CASE WHEN batch > 1 THEN took END;
                        batch := greatest(batch / 2, 1);
                    END IF;
                    IF clock_timestamp() > told + interval '10 seconds' THEN
                        RAISE NOTICE '%: % rows filled', target, filled;
                        told := clock_timestamp();
                    END IF;
                    PERFORM pg_catalog.pg_sleep(least(took, {batch_time} / 100.0) * {rest});
                    COMMIT;
                END LOOP;
            END LOOP;
            first := last;
        END LOOP;
        COMMIT;
        waves := ARRAY[1024]; -- the sweeps take what the waves left, moved or held rows, in one go
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('row_security', 'off', true);
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s WHERE %I IS NULL)', target, col) INTO wanted;
        COMMIT;
        EXIT WHEN NOT wanted;
        IF sweep > 20 AND in_sweep > 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'not_null_violation',
                MESSAGE = format('%s: NULL is written into %s again and again', target, col),
                HINT = 'End what writes it, and run this again.';
        ELSIF in_sweep > 0 THEN
            begun := clock_timestamp();
            pause := 0.05;
        ELSIF clock_timestamp() > begun + interval '{patience} milliseconds' THEN
            RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
                MESSAGE = format('%s: rows without a value in %s are held by other transactions, or a trigger takes the value away', target, col),
                HINT = 'All that was filled is committed. End what stands in the way, and run this again.';
        ELSE
            RAISE NOTICE '%: other transactions hold rows without a value; they are looked for again in % s', target, pause;
        END IF;
        PERFORM pg_catalog.pg_sleep(pause);
        COMMIT;
        pause := least(pause * 2, 5);
    END LOOP;
    IF filled > 0 THEN
        RAISE NOTICE '%: % rows filled, no row is without a value', target, filled;
    END IF;
END
