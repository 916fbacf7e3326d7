package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/problem"
)

// NotATable returns the refusal of a view, foreign table or other relation that has the name of a table.
func NotATable(table, kind string) *problem.Problem {
	return refused("not_a_table", table, fmt.Sprintf("%s is a %s, not a table", table, kind),
		"rekey can add a column only to an ordinary or partitioned table.",
		"Rename or drop it, or restore the table of this name, "+again)
}

// UnsupportedTable returns the refusal of a table that cannot get the column.
func UnsupportedTable(table, reason string) *problem.Problem {
	return refused("unsupported_table", table, "could not add the column to "+table, sentence(reason)+" Nothing was changed.",
		"Change the table, "+again)
}

// NotOwner returns the refusal of a table whose owner's privileges the role lacks.
func NotOwner(table, quoted, owner, role string) *problem.Problem {
	return refused("not_owner", table, fmt.Sprintf("role %s does not own %s", role, table),
		fmt.Sprintf("It belongs to %s, and only its owner can alter it.", owner),
		fmt.Sprintf("Connect as %s, or let a DBA run: GRANT %s TO %s; Or: ALTER TABLE %s OWNER TO %s;",
			owner, sqltext.Ident(owner), sqltext.Ident(role), quoted, sqltext.Ident(role)))
}

// GeneratedColumn returns the refusal of a column whose values the database generates.
func GeneratedColumn(table, column string) *problem.Problem {
	return refused("generated_column", table, fmt.Sprintf("column %s of %s is generated", column, table),
		"The database computes its values from an expression or an identity sequence, so that rekey cannot fill it.",
		"Rename the column, "+again)
}

// TextColumn returns the refusal of a column of a text type that has the name of the uuid column. Unparsed lists some
// values that are not uuids.
func TextColumn(table, quoted, column, kind string, unparsed []string) *problem.Problem {
	if len(unparsed) > 0 {
		return refused("text_column", table, fmt.Sprintf("column %s of %s is %s, and some of its values are not uuids", column, table, kind),
			"Such values are: "+strings.Join(unparsed, ", ")+".",
			"Correct or clear these values, or rename the column, "+again)
	}
	return refused("text_column", table, fmt.Sprintf("column %s of %s is %s, not uuid", column, table, kind),
		"All its values are uuids, but a change of the type rewrites the table under ACCESS EXCLUSIVE, which rekey never does.",
		fmt.Sprintf("Rename the column, or run in a maintenance window: ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT, ALTER COLUMN %s TYPE uuid USING %s::uuid; Afterwards run the same command again.",
			quoted, sqltext.Ident(column), sqltext.Ident(column), sqltext.Ident(column)))
}

// ColumnType returns the refusal of a column of any other type that has the name of the uuid column.
func ColumnType(table, column, kind string) *problem.Problem {
	return refused("column_type", table, fmt.Sprintf("column %s of %s is %s, not uuid", column, table, kind),
		"The uuid column needs this name.", "Rename the existing column, "+again)
}

// DuplicateValues returns the refusal of a uuid column with values that occur more than once.
func DuplicateValues(table, quoted, column string, values []string) *problem.Problem {
	return refused("duplicates", table, fmt.Sprintf("column %s of %s contains duplicate values", column, table),
		"Such values are: "+strings.Join(values, ", ")+". rekey never changes a value that clients may know.",
		fmt.Sprintf("List them: SELECT %s, count(*) FROM %s GROUP BY 1 HAVING count(*) > 1; Set all but one of each to NULL, %s", sqltext.Ident(column), quoted, again))
}

// IndexNameTaken returns the refusal of an index name that another relation of the schema has.
func IndexNameTaken(table, schema, index, kind, on string) *problem.Problem {
	detail := fmt.Sprintf("A %s has this name.", kind)
	if on != "" {
		detail = fmt.Sprintf("An %s on %s has this name.", kind, on)
	}
	return refused("index_name_taken", table, fmt.Sprintf("index name %s for %s is taken", index, table), detail,
		fmt.Sprintf("Rename it: ALTER %s %s RENAME TO another_name; Afterwards run the same command again.", alterName(kind), sqltext.Qualified(schema, index)))
}

// alterName returns the keyword for a kind of relation in an ALTER statement.
func alterName(kind string) string {
	switch kind {
	case "partitioned table":
		return "TABLE"
	case "composite type":
		return "TYPE"
	default:
		return strings.ToUpper(kind)
	}
}

// IndexDiffers returns the refusal of an index of the table that has the name but not the definition.
func IndexDiffers(table, schema, index, definition string) *problem.Problem {
	return refused("index_differs", table, fmt.Sprintf("index %s of %s is not the required unique index", index, table),
		"Its definition is: "+definition+".",
		fmt.Sprintf("Rename or drop it: ALTER INDEX %s RENAME TO another_name; Afterwards run the same command again.", sqltext.Qualified(schema, index)))
}

// ConstraintNameTaken returns the refusal of a constraint that has the name of rekey's temporary one.
func ConstraintNameTaken(table, constraint, definition string) *problem.Problem {
	return refused("constraint_name_taken", table, fmt.Sprintf("constraint name %s of %s is taken", constraint, table),
		"Its definition is: "+definition+".", "Rename the constraint, "+again)
}

// Published returns the refusal of a table that a publication sends to subscribers with all its columns. With all the publication
// is FOR ALL TABLES, so that the subscribers need the tables of the journal too.
func Published(table, column, publication string, all bool) *problem.Problem {
	detail := "A subscriber whose table lacks the new column stops at the next insert (missing replicated column)."
	hint := fmt.Sprintf("Add the column on every subscriber first: ALTER TABLE .. ADD COLUMN %s uuid;", sqltext.Ident(column))
	if all {
		detail += " The publication is FOR ALL TABLES: it publishes rekey's own tables too, and a subscriber without them stops."
		hint = "Run rekey up on every subscriber first: it adds the column and rekey's own tables."
	}
	return refused("published", table, fmt.Sprintf("%s is published by %s without a column list", table, publication), detail,
		hint+" Then run the same command with: --subscribers-ready")
}

// RowSecurity returns the refusal of a table whose policies hide rows even from its owner.
func RowSecurity(table, quoted, role string) *problem.Problem {
	return refused("row_security", table, fmt.Sprintf("row-level security is forced on %s", table),
		fmt.Sprintf("Role %s lacks BYPASSRLS, so that policies may hide rows from it.", role),
		fmt.Sprintf("Let a DBA run: ALTER ROLE %s BYPASSRLS; Or, until the run has ended: ALTER TABLE %s NO FORCE ROW LEVEL SECURITY;", sqltext.Ident(role), quoted))
}

// UpdateRule returns the refusal of a rule that may suppress the updates of the backfill.
func UpdateRule(table, rule string) *problem.Problem {
	return refused("update_rule", table, fmt.Sprintf("rule %s of %s rewrites updates", rule, table),
		"The backfill's updates might have no effect.", "Drop or disable the rule until the run has ended, "+again)
}

// NoReplicaIdentity returns the refusal of a published table whose updates fail.
func NoReplicaIdentity(table, quoted, publication string) *problem.Problem {
	return refused("no_replica_identity", table, fmt.Sprintf("%s has no replica identity and %s publishes its updates", table, publication),
		"Every UPDATE of it fails, including the backfill's.",
		fmt.Sprintf("Publish only inserts, or run: ALTER TABLE %s REPLICA IDENTITY FULL; Afterwards run the same command again.", quoted))
}

// TriggersFire returns the refusal of a table whose triggers fire for every row of the backfill.
func TriggersFire(table string, triggers []string, role string) *problem.Problem {
	return refused("triggers_fire", table, fmt.Sprintf("the backfill would fire triggers of %s: %s", table, strings.Join(triggers, ", ")),
		"They may change other columns, such as updated_at, or write audit rows.",
		fmt.Sprintf("On PostgreSQL 15 or later let a DBA run: GRANT SET ON PARAMETER session_replication_role TO %s; This does not disable ENABLE ALWAYS triggers. "+
			"Or allow the triggers: --fire-triggers", sqltext.Ident(role)))
}

// DependentObject returns the refusal of down for a column or index that another object depends on.
func DependentObject(table, column, kind, name string) *problem.Problem {
	return refused("dependent_object", table, fmt.Sprintf("%s %s depends on column %s of %s", kind, name, column, table),
		"rekey up did not create it, and rekey never drops with CASCADE.",
		"Drop or change it if it is no longer needed, "+again)
}

// MarkLost returns the refusal of down for a column that existed before up and whose comment no longer says what up
// added.
func MarkLost(table, quoted, column string) *problem.Problem {
	return refused("mark_lost", table, fmt.Sprintf("the comment of column %s of %s lacks rekey's mark", column, table),
		"The column existed before up, and the mark [rekey: found {..}] at the end of its comment recorded its earlier state. Without the mark rekey removes nothing.",
		fmt.Sprintf("Restore the end of the comment: COMMENT ON COLUMN %s.%s IS '..'; Or revert the table manually.", quoted, sqltext.Ident(column)))
}

// MarkNewer returns the refusal of a column with a mark that a newer version of rekey wrote.
func MarkNewer(table, column string, format, known int) *problem.Problem {
	return refused("mark_newer", table, fmt.Sprintf("the mark of column %s of %s has format %d, newer than %d", column, table, format, known),
		"A newer version of rekey has made or changed the column and wrote the mark in its comment. This version cannot read what the mark says and changes nothing.",
		"Use the newer version of rekey: rekey version")
}
