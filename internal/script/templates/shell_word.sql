CASE WHEN {name} ~ '^[A-Za-z0-9_.-]+$' THEN {name}::text ELSE '''' || replace({name}, '''', '''\''''') || '''' END
