-- Runs DDL in a transaction of its own if the condition "needed" is true. Retries with growing pauses until it gets its
-- locks. Each attempt:
--   1. Gives up at once if another transaction has held a lock on the table for more than a second (a dump or a report,
--      for example): queueing for the lock would block every session that comes later.
--   2. Takes SHARE UPDATE EXCLUSIVE, which blocks no reader or writer; an autovacuum cancels itself for it.
{takes}
CREATE OR REPLACE PROCEDURE {procedure_schema}.rekey_change({change_arguments}, VARIADIC statements text[])
LANGUAGE plpgsql AS {body};
--- body
DECLARE
    started_at   timestamptz := pg_catalog.clock_timestamp();
    pause        float8 := 0.05; -- seconds
    remaining    float8;
    attempts     integer := 0;
    is_needed    boolean;
    done         boolean := false;
    blocker      text;
    statement    text;
{change_variables}    table_name   text;
    tables       oid[];
    locked_table oid;
    lock_started timestamptz;
BEGIN
    LOOP
        -- local to this transaction; COMMIT must not wait for a standby while it holds a lock
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true),
                pg_catalog.set_config('row_security', 'off', true),
                pg_catalog.set_config('quote_all_identifiers', 'off', true),
                pg_catalog.set_config('synchronous_commit', 'local', true);
        attempts := attempts + 1;
        blocker := NULL;
{change_targets}        EXECUTE 'SELECT ' || needed INTO is_needed;
        IF NOT is_needed THEN
            COMMIT;
            RETURN;
        END IF;
{change_tables}        IF exclusive THEN
            SELECT 'an older transaction holds a lock: ' || string_agg(DISTINCT coalesce('pid ' || l.pid, 'a prepared transaction'), ', ')
            INTO blocker
            FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.granted AND l.locktype = 'relation' AND l.mode <> 'ShareUpdateExclusiveLock'
              AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
              AND l.relation = ANY (tables) AND l.pid IS DISTINCT FROM pg_backend_pid()
              AND (l.pid IS NULL OR a.xact_start < clock_timestamp() - interval '1 second');
        END IF;
        IF blocker IS NULL THEN
            BEGIN
                IF {change_locks_any} THEN
                    PERFORM set_config('lock_timeout', (SELECT s.setting::bigint + 1000 FROM pg_settings s
                                                        WHERE s.name = 'deadlock_timeout')::text, true);
                    FOREACH locked_table IN ARRAY tables LOOP
                        EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', locked_table::regclass);
                    END LOOP;
                    EXECUTE 'SELECT ' || needed INTO is_needed; -- check again: under the lock no other session can change it
                END IF;
                IF is_needed THEN
                    PERFORM set_config('lock_timeout', '{lock_timeout}', true);
                    IF exclusive THEN
                        lock_started := clock_timestamp();
                        {change_lock_one}
                        END LOOP;
                    END IF;
                    FOREACH statement IN ARRAY statements LOOP
                        EXECUTE statement;
                    END LOOP;
                END IF;
                done := true;
            EXCEPTION
                WHEN lock_not_available OR deadlock_detected THEN
                    blocker := SQLERRM;
                WHEN internal_error THEN
                    IF SQLERRM NOT LIKE '%concurrently%' THEN RAISE; END IF;
                    blocker := SQLERRM;
                WHEN check_violation THEN
                    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = SQLERRM,
                        HINT = 'A row without a value was written during the run. Run this again, from the statement that fills the table.';
            END;
        END IF;
        COMMIT; -- releases the locks of a failed attempt as well
        IF done THEN
            RETURN;
        END IF;
        IF clock_timestamp() > started_at + interval '{lock_retry_timeout} milliseconds' THEN
            RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
                MESSAGE = format('could not lock %s in %s attempts: %s', table_name, attempts, blocker),
                HINT = 'All statements before this one are committed. End the transactions that block it, and run this again.';
        END IF;
        remaining := pause * (0.5 + random());
        RAISE NOTICE '%: %; attempt % in % s', table_name, blocker, attempts + 1, round(remaining::numeric, 2);
        WHILE remaining > 0 LOOP
            PERFORM pg_catalog.pg_sleep(least(remaining, 1));
            COMMIT; -- keep no snapshot for more than a second
            remaining := remaining - 1;
        END LOOP;
        pause := least(pause * 2, 600);
    END LOOP;
END
