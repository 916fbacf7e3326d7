DECLARE
    faults text[];
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('quote_all_identifiers', 'off', true);
    SELECT coalesce(array_agg(format('%s: no %s', name, lack) ORDER BY place), '{}') INTO faults
    FROM (VALUES
{tables}
    ) AS made (place, name, col, index, proof, mark, calls)
    LEFT JOIN pg_attribute a ON a.attrelid = to_regclass(made.name) AND a.attname = made.col AND NOT a.attisdropped
    CROSS JOIN LATERAL (SELECT CASE
        WHEN to_regclass(name) IS NULL THEN CASE WHEN index <> '' THEN 'such table' END
        WHEN index = '' OR a.attnum IS NULL THEN 'column'
        WHEN NOT EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
                         AND pg_get_expr(d.adbin, d.adrelid) = ANY (made.calls)) THEN 'default'
        WHEN NOT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                         WHERE i.indrelid = a.attrelid AND x.relname = index AND i.indisunique AND i.indisvalid) THEN 'unique index'
        WHEN {nullable} THEN 'NOT NULL'
        WHEN EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = a.attrelid AND p.conname = proof)
             OR mark <> '' AND strpos(coalesce(col_description(a.attrelid, a.attnum), ''), mark) > 0 THEN 'clean-up'
    END) AS found (lack)
    WHERE lack IS NOT NULL;
    IF faults <> '{}' THEN
        RAISE EXCEPTION USING MESSAGE = {message}, DETAIL = array_to_string(faults, E'\n'),
            HINT = {again};
    END IF;
END
