DECLARE
    relations text;
BEGIN
    {tree}SELECT string_agg(tree.relation::regclass::text, ', ') INTO relations
    FROM tree JOIN pg_attribute a ON a.attrelid = tree.relation AND a.attname = {column} AND NOT a.attisdropped
    WHERE a.attrelid <> {top} AND {where};
    IF relations IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = relations || {message}, HINT = {again};
    END IF;
END
