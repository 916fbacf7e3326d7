DECLARE
    dependents text;
BEGIN
    {tree}SELECT string_agg(pg_describe_object(d.classid, d.objid, d.objsubid), ', ') INTO dependents
    FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid JOIN tree ON tree.relation = a.attrelid
    WHERE d.refclassid = 'pg_class'::regclass AND a.attname = {column} AND d.classid <> 'pg_attrdef'::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint n WHERE d.classid = 'pg_constraint'::regclass AND n.oid = d.objid AND n.contype = 'n'){but};
    IF dependents IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist', MESSAGE = 'other objects depend on the column: ' || dependents;
    END IF;
END
