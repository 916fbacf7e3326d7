-- Makes a catalogue change in one transaction of its own, if the condition "needed" holds, and tries
-- again with growing pauses until it gets its locks:
--   1. Does a transaction of more than a second hold a lock on the table, a dump or a report? Then it does
--      not queue at all, since whoever comes after would queue behind it.
--   2. SHARE UPDATE EXCLUSIVE, which no reader or writer waits for; an autovacuum gives way to it.
--   3. ACCESS EXCLUSIVE where that is needed, waited for {max_lock} ms at most, the change, and COMMIT.
-- A target without ONLY is the table and all that is below it; their locks are waited for no longer than one.
CREATE OR REPLACE PROCEDURE {home}.rekey_change(target text, exclusive boolean, needed text, VARIADIC statements text[])
LANGUAGE plpgsql AS {body};
--- body
DECLARE
    begun     timestamptz := pg_catalog.clock_timestamp();
    pause     float8 := 0.05; -- seconds
    rest      float8;
    tries     integer := 0;
    wanted    boolean;
    done      boolean := false;
    obstacle  text;
    statement text;
    only_one  boolean;
    named     text;
    tables    oid[];
    one       oid;
    asked     timestamptz;
BEGIN
    LOOP
        -- local to this transaction: names are qualified, and no standby is waited for with a lock in hand
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true),
                pg_catalog.set_config('row_security', 'off', true),
                pg_catalog.set_config('quote_all_identifiers', 'off', true),
                pg_catalog.set_config('synchronous_commit', 'local', true);
        tries := tries + 1;
        obstacle := NULL;
        only_one := target LIKE 'ONLY %';
        named := CASE WHEN only_one THEN substr(target, 6) ELSE target END;
        EXECUTE 'SELECT ' || needed INTO wanted;
        IF NOT wanted THEN
            COMMIT;
            RETURN;
        END IF;
        tables := ARRAY(WITH RECURSIVE tree (relation, level) AS ( -- in the order in which PostgreSQL locks them
                SELECT to_regclass(nullif(named, ''))::oid, 0
                UNION ALL
                SELECT h.inhrelid, tree.level + 1 FROM pg_inherits h JOIN tree ON h.inhparent = tree.relation WHERE NOT only_one
            ) SELECT relation FROM tree WHERE relation IS NOT NULL GROUP BY relation ORDER BY min(level), relation);
        IF exclusive THEN
            SELECT 'an older transaction holds a lock: ' || string_agg(DISTINCT coalesce('pid ' || l.pid, 'a prepared transaction'), ', ')
            INTO obstacle
            FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.granted AND l.locktype = 'relation' AND l.mode <> 'ShareUpdateExclusiveLock'
              AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
              AND l.relation = ANY (tables) AND l.pid IS DISTINCT FROM pg_backend_pid()
              AND (l.pid IS NULL OR a.xact_start < clock_timestamp() - interval '1 second');
        END IF;
        IF obstacle IS NULL THEN
            BEGIN
                IF target <> '' THEN
                    PERFORM set_config('lock_timeout', (SELECT s.setting::bigint + 1000 FROM pg_settings s
                                                        WHERE s.name = 'deadlock_timeout')::text, true);
                    FOREACH one IN ARRAY tables LOOP
                        EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', one::regclass);
                    END LOOP;
                    EXECUTE 'SELECT ' || needed INTO wanted; -- again, now that nobody else can change it
                END IF;
                IF wanted THEN
                    PERFORM set_config('lock_timeout', '{max_lock}', true);
                    IF exclusive THEN
                        asked := clock_timestamp();
                        FOREACH one IN ARRAY tables LOOP
                            PERFORM set_config('lock_timeout', greatest({max_lock} - extract(epoch FROM clock_timestamp() - asked) * 1000, 1)::int::text, true);
                            EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', one::regclass);
                        END LOOP;
                    END IF;
                    FOREACH statement IN ARRAY statements LOOP
                        EXECUTE statement;
                    END LOOP;
                END IF;
                done := true;
            EXCEPTION
                WHEN lock_not_available OR deadlock_detected THEN
                    obstacle := SQLERRM;
                WHEN internal_error THEN
                    IF SQLERRM NOT LIKE '%concurrently%' THEN RAISE; END IF;
                    obstacle := SQLERRM;
                WHEN check_violation THEN
                    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = SQLERRM,
                        HINT = 'A row without a value was written meanwhile. Run this again from the filling of the table on.';
            END;
        END IF;
        COMMIT; -- the locks go, had in vain or not
        IF done THEN
            RETURN;
        END IF;
        IF clock_timestamp() > begun + interval '{patience} milliseconds' THEN
            RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
                MESSAGE = format('no lock on %s in %s tries: %s', named, tries, obstacle),
                HINT = 'All before this statement is committed. End what stands in the way, and run this again.';
        END IF;
        rest := pause * (0.5 + random());
        RAISE NOTICE '%: %; try % comes in % s', named, obstacle, tries + 1, round(rest::numeric, 2);
        WHILE rest > 0 LOOP
            PERFORM pg_catalog.pg_sleep(least(rest, 1));
            COMMIT; -- no snapshot lives for longer than a second
            rest := rest - 1;
        END LOOP;
        pause := least(pause * 2, 600);
    END LOOP;
END
