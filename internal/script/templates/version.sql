IF to_regclass({version_table}) IS NULL THEN
        RAISE EXCEPTION USING MESSAGE = format('table %s does not exist in database %I', {version_table}, current_database()),
            HINT = 'Check the name of the database.';
    END IF;
    recorded := btrim(coalesce(obj_description(to_regclass({version_table}), 'pg_class'), 'none'));
    IF recorded NOT IN ({versions}) THEN
        RAISE EXCEPTION USING MESSAGE = format('the version recorded on %s is %s, but the script was made for {versions_text}', {version_table}, recorded),
            HINT = {again};
    END IF;
