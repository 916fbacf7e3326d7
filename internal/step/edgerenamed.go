package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A foreign key survives the renaming of its tables and columns, and an application may rename them at any time. The trigger
// function names them, so that its statements fail from then on. Its handler reads the new names from the edge's foreign keys and
// does the same again, more slowly, until up replaces the function. Only tables of the function's owner are followed, so that
// nobody else decides what it reads.
//
// The handler costs a subtransaction per row, which has no transaction ID as long as nothing is written in it. So the AFTER
// trigger's part, which writes, is not in the block.

// FollowsRenames reports whether the trigger function still works after its tables or columns were renamed.
func (e Edge) FollowsRenames() bool { return e.Constrained() && len(e.Parts()) == 0 }

// The look-ups of the trigger function.
const (
	findUUID = "SELECT {parent uuid} INTO found_uuid FROM {parent} p WHERE {parent key} OPERATOR(pg_catalog.=) {key}{and parts};"
	findKey  = "SELECT {parent key} INTO found_key FROM {parent} p WHERE {parent uuid} OPERATOR(pg_catalog.=) {uuid}{and parts};"
)

// following returns the part of the BEFORE triggers in a block whose handler does the same with the new names.
func (e Edge) following(body string) string {
	return "  <<body>>\n  BEGIN\n" + e.names().Replace(strings.ReplaceAll(body, "RETURN NEW;", "EXIT body;")) +
		"  EXCEPTION WHEN undefined_table OR undefined_column OR invalid_schema_name\n" +
		"    OR undefined_function OR datatype_mismatch OR invalid_text_representation THEN -- the last three: names were exchanged\n" + e.renamed(body) + "  END body;\n  RETURN NEW;\n"
}

// renamed returns the handler.
func (e Edge) renamed(body string) string {
	own := ""
	if e.SelfReference() {
		own = "      EXECUTE pg_catalog.format('SELECT ($1).%I, ($1).%I', renamed.key, renamed.uuid) INTO own_key, own_uuid USING NEW;\n"
	}
	body = strings.NewReplacer(
		findUUID, `EXECUTE pg_catalog.format('SELECT p.%I FROM {only}%s p WHERE p.%I OPERATOR(pg_catalog.=) $1', renamed.uuid, renamed.parent, renamed.key)
        INTO found_uuid USING new_key;`,
		findKey, `EXECUTE pg_catalog.format('SELECT p.%I FROM {only}%s p WHERE p.%I OPERATOR(pg_catalog.=) $1', renamed.key, renamed.parent, renamed.uuid)
        INTO found_key USING new_uuid;`,
		"RETURN NEW;", "EXIT again;",
	).Replace(body)
	return `    DECLARE
      renamed pg_catalog.record;
      new_key pg_catalog.int8;
      new_uuid pg_catalog.uuid;
      old_key pg_catalog.int8;
      old_uuid pg_catalog.uuid;
      own_key pg_catalog.int8;
      own_uuid pg_catalog.uuid;
    BEGIN
` + e.readNames() + `      found_key := NULL;
      found_uuid := NULL;
      EXECUTE pg_catalog.format('SELECT ($1).%I, ($1).%I', renamed.child_key, renamed.child_uuid) INTO new_key, new_uuid USING NEW;
      IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        EXECUTE pg_catalog.format('SELECT ($1).%I, ($1).%I', renamed.child_key, renamed.child_uuid) INTO old_key, old_uuid USING OLD;
      END IF;
` + own + "      <<again>>\n      BEGIN\n" + e.namesAgain().Replace(body) + `      END again;
      NEW := pg_catalog.jsonb_populate_record(NEW, pg_catalog.jsonb_build_object(renamed.child_key, new_key, renamed.child_uuid, new_uuid));
    END;
`
}

// readNames returns the statements that read the names from the foreign keys of the row's table. The error stays if nothing
// was renamed. Before the uuid foreign key exists, the names of the uuid columns are taken as they were.
func (e Edge) readNames() string {
	names := sqltext.Format(`i.confrelid::pg_catalog.regclass AS parent, pk.attname AS key, coalesce(pu.attname, {}) AS uuid,
          ck.attname AS child_key, coalesce(cu.attname, {}) AS child_uuid`, sqltext.Value(e.ParentUUID), sqltext.Value(e.UUID))
	return `      SELECT ` + names + ` INTO renamed
        FROM pg_catalog.pg_constraint i
        JOIN pg_catalog.pg_class p ON p.oid OPERATOR(pg_catalog.=) i.confrelid
        JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.conrelid
        JOIN pg_catalog.pg_attribute pk ON pk.attrelid OPERATOR(pg_catalog.=) p.oid AND pk.attnum OPERATOR(pg_catalog.=) i.confkey[1]
        JOIN pg_catalog.pg_attribute ck ON ck.attrelid OPERATOR(pg_catalog.=) c.oid AND ck.attnum OPERATOR(pg_catalog.=) i.conkey[1]
        LEFT JOIN pg_catalog.pg_constraint u ON u.conrelid OPERATOR(pg_catalog.=) c.oid AND u.confrelid OPERATOR(pg_catalog.=) p.oid
          AND u.contype OPERATOR(pg_catalog.=) 'f' AND u.conname OPERATOR(pg_catalog.=) ` + sqltext.Literal(e.Constraint) + `
        LEFT JOIN pg_catalog.pg_attribute pu ON pu.attrelid OPERATOR(pg_catalog.=) p.oid AND pu.attnum OPERATOR(pg_catalog.=) u.confkey[1]
        LEFT JOIN pg_catalog.pg_attribute cu ON cu.attrelid OPERATOR(pg_catalog.=) c.oid AND cu.attnum OPERATOR(pg_catalog.=) u.conkey[1]
        WHERE c.oid OPERATOR(pg_catalog.=) TG_RELID AND i.contype OPERATOR(pg_catalog.=) 'f' AND i.conname OPERATOR(pg_catalog.=) ` + sqltext.Literal(e.Reference.Name) + `
          AND pg_catalog.pg_get_userbyid(p.relowner) OPERATOR(pg_catalog.=) current_user AND pg_catalog.pg_get_userbyid(c.relowner) OPERATOR(pg_catalog.=) current_user
          AND NOT (p.oid IS NOT DISTINCT FROM pg_catalog.to_regclass(` + sqltext.Literal(sqltext.Qualified(e.Parent.Schema, e.Parent.Name)) + `)
            AND pk.attname OPERATOR(pg_catalog.=) ` + sqltext.Literal(e.Key) + ` AND coalesce(pu.attname, ` + sqltext.Literal(e.ParentUUID) + `) OPERATOR(pg_catalog.=) ` + sqltext.Literal(e.ParentUUID) + `
            AND ck.attname OPERATOR(pg_catalog.=) ` + sqltext.Literal(e.Column) + ` AND coalesce(cu.attname, ` + sqltext.Literal(e.UUID) + `) OPERATOR(pg_catalog.=) ` + sqltext.Literal(e.UUID) + `);
      IF NOT FOUND THEN
        RAISE;
      END IF;
`
}

// namesAgain is like names, with the variables of the handler in place of columns.
func (e Edge) namesAgain() *strings.Replacer {
	only := ""
	if e.Parent.Only {
		only = "ONLY "
	}
	replacements := []string{
		"{key}", "new_key", "{uuid}", "new_uuid", "{old key}", "old_key", "{old uuid}", "old_uuid", "{own key}", "own_key", "{own uuid}", "own_uuid",
		"{only}", only, "{and own parts}", "", "{and parts given}", "", "{default uuid}", e.defaultUUID(), "{not replica}", notReplica,
		"{raise unknown uuid}", e.raiseMissing(e.Constraint, e.uuidColumns(), []string{"new_uuid"}),
		"{raise unknown key}", e.raiseMissing(e.Reference.Name, e.keyColumns(), []string{"new_key"}),
		"{raise different}", e.raiseDifferent("new_key", "new_uuid"),
	}
	if e.Default != nil {
		replacements = append(replacements, "{default key}", e.Default.Key)
	}
	return strings.NewReplacer(replacements...)
}
