DECLARE
    faults text[];
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('quote_all_identifiers', 'off', true);
    WITH expected (ordinal, name, col, index, proof, mark, calls) AS (VALUES
{tables}
    ), relation AS (
        SELECT expected.*, to_regclass(name)::oid AS oid FROM expected
    )
    SELECT coalesce(array_agg(format('%s: %s', name, missing) ORDER BY ordinal), '{}') INTO faults
    FROM (SELECT ordinal, name, CASE
            WHEN oid IS NULL THEN CASE WHEN index IS DISTINCT FROM '' THEN 'the table is missing' END
            WHEN index = '' OR a.attnum IS NULL THEN 'the column is missing'
            WHEN NOT EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
                             AND pg_get_expr(d.adbin, d.adrelid) = ANY (calls)) THEN 'the default is missing'
            WHEN NOT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                             WHERE i.indrelid = a.attrelid AND x.relname = index AND i.indisunique AND i.indisvalid) AND index IS NOT NULL THEN 'the unique index is missing'
            WHEN {nullable} THEN 'NOT NULL is missing'
            WHEN EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = a.attrelid AND p.conname = proof)
                 OR mark <> '' AND strpos(coalesce(col_description(a.attrelid, a.attnum), ''), mark) > 0 THEN 'the clean-up is missing'
        END AS missing
        FROM relation LEFT JOIN pg_attribute a ON a.attrelid = relation.oid AND a.attname = col AND NOT a.attisdropped
        UNION ALL
        SELECT ordinal, h.inhrelid::regclass::text, 'it was added below ' || name || ' during the run' -- though it may be complete
        FROM relation JOIN pg_inherits h ON h.inhparent = relation.oid JOIN pg_class c ON c.oid = relation.oid
        WHERE h.inhrelid NOT IN (SELECT oid FROM relation WHERE oid IS NOT NULL)
          AND (c.relkind <> 'p' OR index IS NULL OR NOT EXISTS (
              SELECT FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
              WHERE a.attrelid = h.inhrelid AND a.attname = col AND NOT ({nullable}) AND pg_get_expr(d.adbin, d.adrelid) = ANY (calls)))) AS found
    WHERE missing IS NOT NULL;
    IF faults <> '{}' THEN
        RAISE EXCEPTION USING MESSAGE = {message}, DETAIL = array_to_string(faults, E'\n'),
            HINT = {again};
    END IF;
END
