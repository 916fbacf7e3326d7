package script

import "strings"

// The procedures of a script that only concerns tables lock one table each, as they always did. The procedures of a script with
// edges lock several tables within one lock timeout, and fill from a parent too. Both are made of the same template: these are the
// parts in which they differ.

// ofTables has the parts of the procedures for tables alone.
func ofTables() *strings.Replacer {
	return strings.NewReplacer(
		"{takes}", `--   3. Takes ACCESS EXCLUSIVE if needed, with a lock_timeout of {lock_timeout} ms, runs the statements, and commits.
-- A target without ONLY includes all partitions and children; all their locks together wait no longer than one.`,
		"{change_arguments}", `target text, exclusive boolean, needed text`,
		"{change_variables}", `    is_only      boolean;
`,
		"{change_targets}", `        is_only := target LIKE 'ONLY %';
        table_name := CASE WHEN is_only THEN substr(target, 6) ELSE target END;
`,
		"{change_tables}", `        tables := ARRAY(WITH RECURSIVE tree (relation, level) AS ( -- in PostgreSQL's own locking order
                SELECT to_regclass(nullif(table_name, ''))::oid, 0
                UNION ALL
                SELECT h.inhrelid, tree.level + 1 FROM pg_inherits h JOIN tree ON h.inhparent = tree.relation WHERE NOT is_only
            ) SELECT relation FROM tree WHERE relation IS NOT NULL GROUP BY relation ORDER BY min(level), relation);
`,
		"{change_locks_any}", `target <> ''`,
		"{change_lock_one}", `FOREACH locked_table IN ARRAY tables LOOP
                            PERFORM set_config('lock_timeout', greatest({lock_timeout} - extract(epoch FROM clock_timestamp() - lock_started) * 1000, 1)::int::text, true);
                            EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', locked_table::regclass);`,
		"{fill_arguments}", ``,
		"{fill_variables}", ``,
		"{fill_settings}", ``,
		"{fill_update}", `EXECUTE format('UPDATE ONLY %1$s SET %2$I = %3$s WHERE ctid = ANY (ARRAY ('
                        || 'SELECT ctid FROM ONLY %1$s WHERE %4$s AND %2$I IS NULL FOR NO KEY UPDATE SKIP LOCKED))',
                        target, col, value, condition);`,
		"{fill_left}", `EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s WHERE %I IS NULL)', target, col) INTO is_needed;`,
		"{fill_done}", `    IF filled > 0 THEN
        RAISE NOTICE '%: % rows filled, every row has a value', target, filled;
    END IF;`,
		"{fill_comment}", `,`,
	)
}

// ofEdges has the parts of the procedures for edges, and for the tables of the same script.
func ofEdges() *strings.Replacer {
	return strings.NewReplacer(
		"{takes}", `--   3. Takes the locks in the modes that are given, in the order of the targets, with a lock_timeout of {lock_timeout} ms
--      for all of them together, runs the statements, and commits.
-- A target without ONLY includes all partitions and children.`,
		"{change_arguments}", `targets text[], modes text[], needed text`,
		"{change_variables}", `    exclusive    boolean := modes && ARRAY['SHARE ROW EXCLUSIVE', 'ACCESS EXCLUSIVE'];
    locks        text[]; -- the mode of each of the tables
`,
		"{change_targets}", `        table_name := array_to_string(targets, ' and ');
`,
		"{change_tables}", `        WITH RECURSIVE tree (relation, place, level) AS ( -- in PostgreSQL's own locking order
            SELECT to_regclass(regexp_replace(t.target, '^ONLY ', ''))::oid, t.place, 0 FROM unnest(targets) WITH ORDINALITY t (target, place)
            UNION ALL
            SELECT h.inhrelid, tree.place, tree.level + 1 FROM pg_inherits h JOIN tree ON h.inhparent = tree.relation
            WHERE targets[tree.place] NOT LIKE 'ONLY %'
        ), found AS (
            SELECT relation, min(place) AS place, min(level) AS level FROM tree WHERE relation IS NOT NULL GROUP BY relation
        ) SELECT coalesce(array_agg(relation ORDER BY place, level, relation), '{}'), array_agg(modes[place] ORDER BY place, level, relation)
        INTO tables, locks FROM found;
`,
		"{change_locks_any}", `targets <> '{}'`,
		"{change_lock_one}", `FOR i IN 1 .. cardinality(tables) LOOP
                            PERFORM set_config('lock_timeout', greatest({lock_timeout} - extract(epoch FROM clock_timestamp() - lock_started) * 1000, 1)::int::text, true);
                            EXECUTE format('LOCK TABLE ONLY %s IN %s MODE', tables[i]::regclass, locks[i]);`,
		"{fill_arguments}", `,
    pending text DEFAULT NULL, likely text DEFAULT NULL, orphans text DEFAULT NULL`,
		"{fill_variables}", `    orphan_keys  text[];
`,
		"{fill_settings}", `                    IF pending IS NOT NULL THEN -- by which the triggers of the edge recognise the filling
                        PERFORM set_config('rekey.fill', 'on', true);
                    END IF;
`,
		"{fill_update}", `EXECUTE format('UPDATE ONLY %1$s AS t SET %2$I = %3$s WHERE ctid = ANY (ARRAY ('
                        || 'SELECT ctid FROM ONLY %1$s AS t WHERE %4$s AND %2$I IS NULL AND %5$s FOR NO KEY UPDATE SKIP LOCKED))',
                        target, col, value, condition, coalesce(likely, 'true'));`,
		"{fill_left}", `EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s AS t WHERE %I IS NULL AND %s)', target, col, coalesce(pending, 'true')) INTO is_needed;`,
		"{fill_done}", `    IF filled > 0 THEN
        RAISE NOTICE '%: % rows filled', target, filled;
    END IF;
    IF orphans IS NOT NULL AND sweep > 0 THEN
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true), pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('row_security', 'off', true);
        EXECUTE orphans INTO n, orphan_keys;
        COMMIT;
        IF n > 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation',
                MESSAGE = format('%s: %s rows refer to no row of the parent', target, n),
                DETAIL = 'All other rows are filled. No parent is invented and no row is deleted. Keys: ' || array_to_string(orphan_keys, ', '),
                HINT = 'Delete or repair these rows, and run this again.';
        END IF;
    END IF;`,
		"{fill_comment}", `. With "pending", of an edge, it fills the rows that meet this condition, with the uuid of
-- the parent: one statement locks the row, looks the parent up by the key that the row has then, and updates the row, since a
-- value that was read before could undo a change of the key. "likely" is the same condition, or a cheaper one that nearly only
-- such rows meet. "orphans" counts the rows that refer to no parent: with one, the procedure fails after all others are filled.
-- It fills`,
	)
}
