IF to_regclass({version_table}) IS NULL THEN
        RAISE EXCEPTION USING MESSAGE = format('there is no table %s in the database %I', {version_table}, current_database()),
            HINT = 'Is it the right database?';
    END IF;
    recorded := btrim(coalesce(obj_description(to_regclass({version_table}), 'pg_class'), 'none'));
    IF recorded NOT IN ({versions}) THEN
        RAISE EXCEPTION USING MESSAGE = format('the version recorded on %s is %s; this was made for {versions_said}', {version_table}, recorded),
            HINT = {again};
    END IF;
