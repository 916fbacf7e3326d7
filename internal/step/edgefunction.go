package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// The trigger function of an edge keeps the two columns equal. A side is "written" if an INSERT gives it a value other than
// its default, or if an UPDATE changes it. If one side was written, the function looks up the other one. If both were, they
// must agree.
//
// The function runs with the rights of the parent's owner, since writers of the child need no rights on the parent. So its
// search_path is pinned, every name is qualified, and nobody else may execute it: a stranger could attach it to a table of
// his own and read the uuid of any integer.

// FunctionSQL returns the statement that creates the trigger function, or replaces it.
func (e Edge) FunctionSQL(replace bool) string {
	create := "CREATE FUNCTION"
	if replace {
		create = "CREATE OR REPLACE FUNCTION"
	}
	return create + sqltext.Format(" {}() RETURNS pg_catalog.trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER\n"+
		"SET search_path = pg_catalog, pg_temp AS ", e.Function) + sqltext.Dollar(e.FunctionBody())
}

// FunctionSource returns md5(pg_proc.prosrc) of the trigger function.
func (e Edge) FunctionSource() string { return md5Hex(e.FunctionBody()) }

// privateSQL returns the statement that leaves EXECUTE on the function with its owner alone. Default privileges may have
// granted it to roles that are not known before.
func (e Edge) privateSQL() string {
	body := sqltext.Format(`
DECLARE
  grantee pg_catalog.text;
BEGIN
  REVOKE ALL ON FUNCTION {}() FROM PUBLIC;
  FOR grantee IN SELECT r.rolname FROM pg_catalog.pg_proc f, pg_catalog.aclexplode(f.proacl) a, pg_catalog.pg_roles r
      WHERE f.oid OPERATOR(pg_catalog.=) {}::pg_catalog.regprocedure AND r.oid OPERATOR(pg_catalog.=) a.grantee
        AND a.grantee OPERATOR(pg_catalog.<>) f.proowner LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %I', {}, grantee);
  END LOOP;
END`, e.Function, sqltext.Value(e.signature()), sqltext.Value(e.signature()))
	return "DO " + sqltext.Dollar(body)
}

// functionMark is the comment of a trigger function.
const functionMark = "[rekey: keeps the two columns of an edge equal]"

// dropFunction returns the statement that drops the trigger function if it is rekey's: its owner has marked it, and the owner
// is the parent's, the role itself or a superuser. The child's owner can write the mark of the column and create a trigger of
// any name, but not make rekey drop a function of somebody else. It fails if a trigger still uses the function.
func (e Edge) dropFunction() string { return e.dropIfOurs(e.Function, "") }

// dropIfOurs returns dropFunction for a function of any name. unless is a further condition.
func (e Edge) dropIfOurs(function sqltext.Table, unless string) string {
	signature := sqltext.Value(sqltext.Qualified(function.Schema, function.Name) + "()")
	body := sqltext.Format(`
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_proc f, pg_catalog.pg_roles o WHERE f.oid OPERATOR(pg_catalog.=) pg_catalog.to_regprocedure({})
      AND o.oid OPERATOR(pg_catalog.=) f.proowner AND (o.rolsuper OR o.rolname OPERATOR(pg_catalog.=) {} OR o.rolname OPERATOR(pg_catalog.=) current_user)
      AND f.prorettype OPERATOR(pg_catalog.=) 'pg_catalog.trigger'::pg_catalog.regtype
      AND pg_catalog.obj_description(f.oid, 'pg_proc') OPERATOR(pg_catalog.=) {}`+unless+`) THEN
    DROP FUNCTION {}();
  END IF;
END`, signature, sqltext.Value(e.Owner), sqltext.Value(functionMark), function)
	return "DO " + sqltext.Dollar(body)
}

// owns reports whether the function of a trigger is the edge's: it has the edge's name, runs with its owner's rights and a
// pinned search_path, and its owner is the parent's owner or has the rights of rekey's role.
func (e Edge) owns(t catalog.Trigger) bool {
	return t.Calls() == e.Function && slices.Contains(EdgeFunctions(e.Child, e.Column), e.Function) && t.Definer &&
		slices.Equal(t.Config, []string{functionPath}) && (t.FunctionOwner == e.Owner || t.OwnerBecomes)
}

// MayReplace reports whether a function with the name of the edge's is one that rekey made before, and that no trigger uses, so
// that wiring the edge drops it.
func (e Edge) MayReplace(f catalog.TriggerFunction, role string) bool {
	return f.Used == "" && f.Trigger && f.Comment == functionMark && (f.Superuser || f.Owner == e.Owner || f.Owner == role)
}

// functionPath is the function's SET clause, as pg_proc.proconfig has it.
const functionPath = "search_path=pg_catalog, pg_temp"

func (e Edge) signature() string { return sqltext.Qualified(e.Function.Schema, e.Function.Name) + "()" }

// FunctionBody returns the source of the trigger function.
func (e Edge) FunctionBody() string {
	// The child and the parent may have columns with the names of the variables.
	begin := "\n#variable_conflict use_variable\nDECLARE\n  by_key pg_catalog.bool;\n  by_uuid pg_catalog.bool;\n" +
		"  found_key pg_catalog.int8;\n  found_uuid pg_catalog.uuid;\nBEGIN\n" + e.names().Replace(e.whenLate())
	body := e.whatIsWritten() + e.writtenByPublisher() + e.writtenByUUID() + e.writtenByKey() + e.writtenByBoth()
	if e.FollowsRenames() {
		return begin + e.following(body) + "END\n"
	}
	return begin + e.names().Replace(body) + "END\n"
}

const notReplica = "pg_catalog.current_setting('session_replication_role') OPERATOR(pg_catalog.<>) 'replica'"

// names replaces the names in braces of the templates. The templates contain no other names, and a replacement is not
// searched for further ones.
func (e Edge) names() *strings.Replacer {
	replacements := []string{
		"{key}", "NEW." + sqltext.Ident(e.Column), "{uuid}", "NEW." + sqltext.Ident(e.UUID),
		"{old key}", "OLD." + sqltext.Ident(e.Column), "{old uuid}", "OLD." + sqltext.Ident(e.UUID),
		"{child}", sqltext.Format("{}", e.Child), "{child oid}", sqltext.Literal(sqltext.Qualified(e.Child.Schema, e.Child.Name)) + "::pg_catalog.regclass",
		"{parent}", sqltext.Format("{}", e.Parent),
		"{child key}", sqltext.Ident(e.Column), "{child uuid}", sqltext.Ident(e.UUID),
		"{parent key}", "p." + sqltext.Ident(e.Key), "{parent uuid}", "p." + sqltext.Ident(e.ParentUUID),
		"{own key}", "NEW." + sqltext.Ident(e.Key), "{own uuid}", "NEW." + sqltext.Ident(e.ParentUUID),
		"{default uuid}", e.defaultUUID(),
		"{and parts}", e.matches("p"), "{and own parts}", e.matches("NEW"),
		"{or parts written}", e.compareParts(" OR", "IS DISTINCT FROM"),
		"{and parts unchanged}", e.compareParts(" AND", "OPERATOR(pg_catalog.=)"),
		"{owner}", sqltext.Literal(e.Owner),
		"{and row}", e.sameRow(), "{and parts given}", e.partsGiven(),
		"{not replica}", notReplica,
		"{raise unknown uuid}", e.raiseMissing(e.Constraint, e.uuidColumns(), ofNew(e.uuidColumns())),
		"{raise unknown key}", e.raiseMissing(e.Reference.Name, e.keyColumns(), ofNew(e.keyColumns())),
		"{raise different}", e.raiseDifferent("NEW."+sqltext.Ident(e.Column), "NEW."+sqltext.Ident(e.UUID)),
	}
	if e.Default != nil {
		replacements = append(replacements, "{default key}", e.Default.Key)
	}
	return strings.NewReplacer(replacements...)
}

// matches returns the conditions, each with AND before it, that the other columns of a composite key equal the key of a
// row of the parent.
func (e Edge) matches(parent string) string {
	var sql strings.Builder
	for _, part := range e.Parts() {
		sql.WriteString(" AND " + parent + "." + sqltext.Ident(part.Parent) + " OPERATOR(pg_catalog.=) NEW." + sqltext.Ident(part.Child))
	}
	return sql.String()
}

// compareParts returns a comparison of the new with the old value of each of the other columns of a composite key.
func (e Edge) compareParts(join, operator string) string {
	var sql strings.Builder
	for _, part := range e.Parts() {
		c := sqltext.Ident(part.Child)
		sql.WriteString(join + " NEW." + c + " " + operator + " OLD." + c)
	}
	return sql.String()
}

// sameRow returns the conditions, each with AND before it, by which the AFTER trigger finds its row. The other columns of a
// composite key must be as they were looked up.
func (e Edge) sameRow() string {
	columns := slices.Clone(e.Row)
	for _, part := range e.Parts() {
		if !slices.Contains(columns, part.Child) {
			columns = append(columns, part.Child)
		}
	}
	var sql strings.Builder
	for _, c := range columns {
		sql.WriteString(" AND c." + sqltext.Ident(c) + " OPERATOR(pg_catalog.=) NEW." + sqltext.Ident(c))
	}
	return sql.String()
}

// partsGiven returns the conditions, each with AND before it, that the other columns of a composite key are not NULL. A row
// with NULL in one of them refers to nothing.
func (e Edge) partsGiven() string {
	var sql strings.Builder
	for _, part := range e.Parts() {
		sql.WriteString(" AND NEW." + sqltext.Ident(part.Child) + " IS NOT NULL")
	}
	return sql.String()
}

// whenLate is the part of the AFTER trigger: the row has one side only, because the parent was not there. The row may have
// been changed or deleted since. The UPDATE fires the child's triggers with the rights of the function's owner, so that it
// does nothing once the child belongs to another role.
func (e Edge) whenLate() string {
	if !e.ChildFirst {
		return ""
	}
	return `  IF TG_WHEN OPERATOR(pg_catalog.=) 'AFTER' THEN
    IF EXISTS (SELECT FROM pg_catalog.pg_class r WHERE r.oid IN (TG_RELID, {child oid})
        AND pg_catalog.pg_get_userbyid(r.relowner) OPERATOR(pg_catalog.<>) current_user) THEN
      RETURN NULL;
    END IF;
    IF {uuid} IS NULL THEN
      SELECT {parent uuid} INTO found_uuid FROM {parent} p WHERE {parent key} OPERATOR(pg_catalog.=) {key}{and parts};
      IF found_uuid IS NOT NULL THEN
        UPDATE {child} c SET {child uuid} = found_uuid
        WHERE c.{child key} OPERATOR(pg_catalog.=) {key} AND c.{child uuid} IS NULL{and row};
      END IF;
      RETURN NULL;
    END IF;
    SELECT {parent key} INTO found_key FROM {parent} p WHERE {parent uuid} OPERATOR(pg_catalog.=) {uuid}{and parts};
    IF found_key IS NOT NULL THEN
      UPDATE {child} c SET {child key} = found_key
      WHERE c.{child uuid} OPERATOR(pg_catalog.=) {uuid} AND c.{child key} IS NULL{and row};
    ELSIF {not replica} AND EXISTS (SELECT FROM {child} c
        WHERE c.{child uuid} OPERATOR(pg_catalog.=) {uuid} AND c.{child key} IS NULL{and row}) THEN
      {raise unknown uuid}
    END IF;
    RETURN NULL;
  END IF;
`
}

// whatIsWritten is the part that finds which sides were written. With a default, an INSERT that leaves the column out looks
// as if it gave the default, so that the default yields to a value of the other side.
func (e Edge) whatIsWritten() string {
	inserted := `    by_key := {key} IS NOT NULL;
    by_uuid := {uuid} IS NOT NULL;
`
	if e.Default != nil {
		inserted = `    by_key := {key} IS DISTINCT FROM ({default key});
    by_uuid := {uuid} IS DISTINCT FROM {default uuid};
    IF by_key AND by_uuid THEN
      by_key := {key} IS NOT NULL;
      by_uuid := {uuid} IS NOT NULL;
    END IF;
`
	}
	updated := `    by_key := {key} IS DISTINCT FROM {old key};
    by_uuid := {uuid} IS DISTINCT FROM {old uuid};
`
	if len(e.Parts()) > 0 { // only another column of the key was written: the side that has a value decides
		updated += `    IF NOT by_key AND NOT by_uuid THEN
      by_uuid := {key} IS NULL;
    END IF;
`
	}
	return "  IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN\n" + inserted + "  ELSE\n" + updated + "  END IF;\n"
}

// defaultUUID returns the default of the uuid column.
func (e Edge) defaultUUID() string {
	if e.Default == nil || e.Default.UUID == "" {
		return "NULL"
	}
	return sqltext.Format("{}::pg_catalog.uuid", sqltext.Value(e.Default.UUID))
}

// writtenByUUID is the part for a write of the uuid alone. An unknown uuid gets the error that the foreign key would give:
// an application that does not know the integer column could not read an error about that column.
func (e Edge) writtenByUUID() string {
	find := "      " + findKey + "\n"
	if e.SelfReference() { // the row may refer to itself, and is not in the table yet
		find = `      IF {uuid} OPERATOR(pg_catalog.=) {own uuid}{and own parts} THEN
        found_key := {own key};
      ELSE
  ` + find + `      END IF;
`
	}
	if !e.ChildFirst || e.NotNull {
		find += `      IF found_key IS NULL{and parts given} AND {not replica} THEN
      {raise unknown uuid}
      END IF;
`
	}
	return `  IF by_uuid AND NOT by_key THEN
    IF {uuid} IS NOT NULL THEN
` + find + `    END IF;
    {key} := found_key;
    RETURN NEW;
  END IF;
`
}

// writtenByKey is the part for a write of the integer alone. An unknown integer leaves the uuid NULL, so that the foreign
// key of the integer gives its own error. If the uuid must not be NULL, that error would come first: the function gives the
// foreign key's.
func (e Edge) writtenByKey() string {
	find := "  "
	if e.SelfReference() {
		find = `  IF {key} OPERATOR(pg_catalog.=) {own key}{and own parts} THEN
    found_uuid := {own uuid};
  ELS`
	}
	find += `IF {key} IS NOT NULL THEN
    ` + findUUID + `
  END IF;
`
	unknown := ""
	if e.ChildFirst { // the AFTER trigger fills the uuid, whatever was given
		unknown = " OR found_uuid IS NULL AND {key} IS NOT NULL"
	}
	if len(e.Parts()) > 0 {
		unknown += " OR NOT (true{and parts given})"
	}
	missing := ""
	if e.Required {
		missing = `    IF found_uuid IS NULL AND {key} IS NOT NULL AND {not replica} THEN
      {raise unknown key}
    END IF;
`
	}
	return find + "  IF NOT by_uuid" + unknown + " THEN\n" + missing + `    {uuid} := found_uuid;
    RETURN NEW;
  END IF;
`
}

// writtenByBoth is the part for a write of both sides.
func (e Edge) writtenByBoth() string {
	unknown := ""
	if !e.ChildFirst {
		unknown = `  IF found_uuid IS NULL AND {key} IS NOT NULL THEN
      {raise unknown key}
  END IF;
`
	}
	return `  IF found_uuid IS NOT DISTINCT FROM {uuid} OR NOT {not replica} THEN
    RETURN NEW;
  END IF;
` + unknown + "  {raise different}\n"
}

// raiseDifferent returns the statement for two sides that refer to different rows. It does not say what the right value
// would be: the writer may not be allowed to read the parent.
func (e Edge) raiseDifferent(key, value string) string {
	column, uuid, parent := sqltext.Value(e.Column), sqltext.Value(e.UUID), sqltext.Value(e.Parent.Name)
	return sqltext.Format(`RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = {},
    MESSAGE = pg_catalog.format('columns "%s" and "%s" of table "%s" refer to different rows of table "%s"', {}, {}, TG_TABLE_NAME, {}),
    DETAIL = pg_catalog.format('%s is %s, and %s is %s.', {}, coalesce(`, uuid, column, uuid, parent, column) + key +
		sqltext.Format(`::pg_catalog.text, 'NULL'), {}, coalesce(`, uuid) + value + `::pg_catalog.text, 'NULL')),
    HINT = 'Write one of the two columns: the other one follows.';`
}

// raiseMissing returns the statement that raises the error of a foreign key whose parent row is missing, in PostgreSQL's
// words. constraint is "" for a reference without a constraint.
func (e Edge) raiseMissing(constraint string, columns, values []string) string {
	parent := sqltext.Value(e.Parent.Name)
	name, message := "", sqltext.Format(`'insert or update on table "%s" refers to no row of table "%s"', TG_TABLE_NAME, {}`, parent)
	if constraint != "" {
		name = sqltext.Format(", CONSTRAINT = {}", sqltext.Value(constraint))
		message = sqltext.Format(`'insert or update on table "%s" violates foreign key constraint "%s"', TG_TABLE_NAME, {}`, sqltext.Value(constraint))
	}
	return "RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME" + name + `,
        MESSAGE = pg_catalog.format(` + message + `),
        DETAIL = pg_catalog.format('Key (%s)=(%s) is not present in table "%s".', ` + sqltext.Literal(strings.Join(columns, ", ")) +
		", pg_catalog.concat_ws(', ', " + strings.Join(values, ", ") + "), " + sqltext.Literal(e.Parent.Name) + ");"
}

// ofNew returns the columns of the new row.
func ofNew(columns []string) []string {
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = "NEW." + sqltext.Ident(c)
	}
	return values
}

// uuidColumns and keyColumns return the child's columns of the two foreign keys, in order.
func (e Edge) uuidColumns() []string { return replaced(e.keyColumns(), e.Column, e.UUID) }

func (e Edge) keyColumns() []string {
	if len(e.Reference.ChildColumns) == 0 {
		return []string{e.Column}
	}
	return e.Reference.ChildColumns
}
