package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func refused(code, table, message, detail, hint string) *problem.Problem {
	return &problem.Problem{Kind: problem.Refused, Code: code, Table: table, Message: message, Detail: detail, Hint: hint}
}

// NoTable is a view, a foreign table or the like that bears the name of a table.
func NotATable(table, kind string) *problem.Problem {
	return refused("not_a_table", table, fmt.Sprintf("%s is a %s, not a table", table, kind),
		"A column with values can only be added to an ordinary table.",
		"Rename or drop it, or bring the table back that should bear the name; then run the same command again.")
}

// UnfitTable is a table that cannot get the column.
func UnsupportedTable(table, why string) *problem.Problem {
	return refused("unsupported_table", table, table+" cannot get the column", why+".",
		"Nothing was changed. Mend the table, then run the same command again.")
}

// NotOwner is a table that belongs to a role whose rights the working role has not.
func NotOwner(table, quoted, owner, role string) *problem.Problem {
	return refused("not_owner", table, fmt.Sprintf("role %s does not own %s", role, table),
		fmt.Sprintf("It belongs to %s, and only an owner may alter a table.", owner),
		fmt.Sprintf("Connect as %s, or let a DBA run: GRANT %s TO %s;  or: ALTER TABLE %s OWNER TO %s;",
			owner, sqltext.Ident(owner), sqltext.Ident(role), quoted, sqltext.Ident(role)))
}

// ColumnMade is a column whose values the database makes.
func GeneratedColumn(table, column string) *problem.Problem {
	return refused("generated_column", table, fmt.Sprintf("column %s of %s is generated", column, table),
		"Its values are made by the database from an expression or an identity, and cannot be filled.",
		"Rename the column, then run the same command again.")
}

// TextColumn is a column of a text type under the name of the uuid column.
func TextColumn(table, quoted, column, kind string, unparsed []string) *problem.Problem {
	if len(unparsed) > 0 {
		return refused("text_column", table, fmt.Sprintf("column %s of %s is %s, and not all its values are uuids", column, table, kind),
			"For instance: "+strings.Join(unparsed, ", ")+".",
			"Mend or clear those values, or rename the column; then run the same command again.")
	}
	return refused("text_column", table, fmt.Sprintf("column %s of %s is %s, not uuid", column, table, kind),
		"Every value in it is a uuid, but changing the type rewrites the table under ACCESS EXCLUSIVE, which rekey never does.",
		fmt.Sprintf("In a maintenance window run: ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT, ALTER COLUMN %s TYPE uuid USING %s::uuid; "+
			"or rename the column; then run the same command again.", quoted, sqltext.Ident(column), sqltext.Ident(column), sqltext.Ident(column)))
}

// ColumnType is a column of yet another type under the name of the uuid column.
func ColumnType(table, column, kind string) *problem.Problem {
	return refused("column_type", table, fmt.Sprintf("column %s of %s is %s, not uuid", column, table, kind),
		"It is something else than the column that is to be made.", "Rename it, then run the same command again.")
}

// Duplicates is a uuid column in which a value stands twice.
func DuplicateValues(table, quoted, column string, values []string) *problem.Problem {
	return refused("duplicates", table, fmt.Sprintf("column %s of %s has values that stand more than once", column, table),
		"For instance: "+strings.Join(values, ", ")+".",
		fmt.Sprintf("rekey never changes a value that may have been handed out. See them with: SELECT %s, count(*) FROM %s GROUP BY 1 HAVING count(*) > 1; "+
			"decide which row keeps the value, set the others to NULL, then run the same command again.", sqltext.Ident(column), quoted))
}

// IndexTaken is an index name that something else in the schema bears.
func IndexNameTaken(table, index, kind, on string) *problem.Problem {
	detail := fmt.Sprintf("The name belongs to a %s.", kind)
	if on != "" {
		detail = fmt.Sprintf("The name belongs to an %s on %s.", kind, on)
	}
	return refused("index_name_taken", table, fmt.Sprintf("the index name %s, which %s needs, is taken", index, table), detail,
		fmt.Sprintf("Rename it: ALTER %s %s RENAME TO another_name; then run the same command again.", object(kind), sqltext.Ident(index)))
}

// object is how ALTER calls a kind of relation.
func object(kind string) string {
	switch kind {
	case "partitioned table":
		return "TABLE"
	case "composite type":
		return "TYPE"
	default:
		return strings.ToUpper(kind)
	}
}

// IndexDiffers is an index of the table that bears the name and is another one.
func IndexDiffers(table, index, definition string) *problem.Problem {
	return refused("index_differs", table, fmt.Sprintf("index %s of %s is not the unique index that is needed", index, table),
		"It is: "+definition+".",
		fmt.Sprintf("Rename or drop it: ALTER INDEX %s RENAME TO another_name; then run the same command again.", sqltext.Ident(index)))
}

// ConstraintTaken is a constraint that bears the name of rekey's temporary one.
func ConstraintNameTaken(table, constraint, definition string) *problem.Problem {
	return refused("constraint_name_taken", table, fmt.Sprintf("the constraint name %s of %s is taken", constraint, table),
		"It is: "+definition+".", "Rename it, then run the same command again.")
}

// Published is a table whose changes go to logical subscribers with every column.
func Published(table, column, publication string) *problem.Problem {
	return refused("published", table, fmt.Sprintf("%s is published by %s without a column list", table, publication),
		"A subscriber whose table lacks the new column stops at the next insert (missing replicated column).",
		fmt.Sprintf("Add the column on every subscriber first: ALTER TABLE .. ADD COLUMN %s uuid; then run the same command with --subscribers-ready.", sqltext.Ident(column)))
}

// RowSecurity is a table whose policies hide rows even from its owner.
func RowSecurity(table, quoted, role string) *problem.Problem {
	return refused("row_security", table, fmt.Sprintf("row-level security is forced on %s", table),
		fmt.Sprintf("Role %s has no BYPASSRLS, so rows may be hidden from it.", role),
		fmt.Sprintf("Let a DBA run: ALTER ROLE %s BYPASSRLS;  or: ALTER TABLE %s NO FORCE ROW LEVEL SECURITY; for the time of the run.", sqltext.Ident(role), quoted))
}

// UpdateRule is a rule that may swallow the filling's updates.
func UpdateRule(table, rule string) *problem.Problem {
	return refused("update_rule", table, fmt.Sprintf("rule %s of %s rewrites updates", rule, table),
		"The rows might never be filled.", "Drop or disable the rule for the time of the run, then run the same command again.")
}

// NoReplicaIdentity is a published table whose updates would fail.
func NoReplicaIdentity(table, quoted, publication string) *problem.Problem {
	return refused("no_replica_identity", table, fmt.Sprintf("%s is published by %s for updates and has no replica identity", table, publication),
		"Every UPDATE of it fails, the filling's too.",
		fmt.Sprintf("Give it one: ALTER TABLE %s REPLICA IDENTITY FULL; or publish inserts only; then run the same command again.", quoted))
}

// TriggersFire is a table whose triggers would fire on every filled row.
func TriggersFire(table string, triggers []string, role string) *problem.Problem {
	return refused("triggers_fire", table, fmt.Sprintf("triggers of %s would fire on every row that is filled: %s", table, strings.Join(triggers, ", ")),
		"They may change other columns, such as updated_at, or write audit rows.",
		fmt.Sprintf("From PostgreSQL 15 on let a DBA run: GRANT SET ON PARAMETER session_replication_role TO %s; (an ENABLE ALWAYS trigger fires all the same). "+
			"Or allow it: --fire-triggers.", sqltext.Ident(role)))
}

// Attached is something that hangs on a column or index that down is to take away.
func DependentObject(table, column, kind, name string) *problem.Problem {
	return refused("dependent_object", table, fmt.Sprintf("%s %s depends on column %s of %s", kind, name, column, table),
		"up did not make it, and rekey never drops with CASCADE.",
		"Drop or change it if it is no longer needed, then run the same command again.")
}

// ForeignFunction is a function of the needed name that cannot be used.
func FunctionNameTaken(schema, name, owner, why string) *problem.Problem {
	return refused("unusable_function", "", fmt.Sprintf("function %s.%s() of %s is there and cannot be used", schema, name, owner), capital(why)+".",
		fmt.Sprintf("Rename it: ALTER FUNCTION %s.%s() RENAME TO another_name; then run the same command again.", sqltext.Ident(schema), sqltext.Ident(name)))
}

// FunctionOf is a function of the needed name that belongs to a role which the running one does not trust.
func UntrustedFunction(schema, name, owner, role string) *problem.Problem {
	function := fmt.Sprintf("%s.%s()", sqltext.Ident(schema), sqltext.Ident(name))
	return refused("unusable_function", "", fmt.Sprintf("function %s.%s() belongs to %s, whose code does not run as %s", schema, name, owner, role),
		"It was not called. As the default of a column it would run with the rights of every role that inserts.",
		fmt.Sprintf("Connect as %s if the tables are its own: --database-url postgres://%s@..; or rename the function: ALTER FUNCTION %s RENAME TO another_name; or, if you trust its owner: --trust-owner %s",
			owner, shell(owner), function, shell(owner)))
}

// shell writes a word for a command line.
func shell(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.'
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// UntrustedCode is a table whose code would run with rights that who can change it has not; session is the role that
// has logged in, where it is another one.
func UntrustedCode(table, owner, role, session string, code []catalog.Code) *problem.Problem {
	first := code[0]
	detail := fmt.Sprintf("Reading or writing the table runs it for %s.", first.Where)
	if first.Fires {
		detail = fmt.Sprintf("An UPDATE of the table runs it for %s.", first.Where)
	}
	if first.Fault != "" {
		detail += fmt.Sprintf(" The expression is %s's: %s.", first.Holder.Name, first.Fault)
	}
	if len(code) > 1 {
		calls := "calls"
		if len(code) == 2 { //nolint:mnd // one more
			calls = "call"
		}
		detail += fmt.Sprintf(" The same holds for %d more %s.", len(code)-1, calls)
	}
	detail += " SET ROLE is no barrier against it."
	if session != "" {
		role = session // it can take its own rights back
		detail += fmt.Sprintf(" The session has logged in as %s.", session)
	}
	var trusts []string
	for _, c := range code {
		by := c.Owner.Name
		if c.Fault != "" {
			by = c.Holder.Name
		}
		if word := "--trust-owner " + shell(by); !slices.Contains(trusts, word) {
			trusts = append(trusts, word)
		}
	}
	trust := fmt.Sprintf("if you trust this code with the rights of %s: %s", role, strings.Join(trusts, " "))
	hint := capital(trust)
	if owner != role {
		hint = fmt.Sprintf("Connect as the table's owner: --database-url postgres://%s@..; or, %s", shell(owner), trust)
	}
	return refused("untrusted_code", table, fmt.Sprintf("%s of %s would run as %s for %s, a table of %s", first.Runs, first.Owner.Name, role, table, owner), detail, hint+".")
}

// ForeignEventTrigger is an event trigger whose function belongs to a role that the running one does not trust.
func UntrustedEventTrigger(trigger, function, owner, event, role string) *problem.Problem {
	return refused("untrusted_event_trigger", "", fmt.Sprintf("event trigger %s would run %s of %s as %s", trigger, function, owner, role),
		fmt.Sprintf("The run's own changes fire it, at %s. %s may replace the function at any time.", event, owner),
		fmt.Sprintf("Let a superuser run: ALTER FUNCTION %s OWNER TO another_role; or: ALTER EVENT TRIGGER %s DISABLE; for the time of the run; or, if you trust the function's owner: --trust-owner %s",
			function, sqltext.Ident(trigger), shell(owner)))
}

// UnknownOwner is a name of --trust-owner that no role has: a mistyped name would trust a role that is created later.
func UnknownOwner(name string) *problem.Problem {
	return refused("unknown_owner", "", fmt.Sprintf("role %s of --trust-owner does not exist", sqltext.Ident(name)),
		"Names of roles are compared as they are written, with upper and lower case.",
		"rekey plan names the owners; name one of them: --trust-owner app_owner, or leave --trust-owner out.")
}

// ForeignDefault is a column whose default runs code of a role that the running one does not trust.
func UntrustedDefault(table, quoted, column, expression string, code catalog.Code, role string) *problem.Problem {
	return refused("unusable_function", table, fmt.Sprintf("the default of column %s of %s calls %s of %s, whose code does not run as %s", column, table, code.Runs, code.Owner.Name, role),
		fmt.Sprintf("It is: %s. It was not called. %s owns neither the table nor the rights of %s.", expression, code.Owner.Name, role),
		fmt.Sprintf("Drop the default: ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT; or, if you trust the function's owner: --trust-owner %s",
			quoted, sqltext.Ident(column), shell(code.Owner.Name)))
}

// Overloaded is a function beside which a call of the one that is needed is ambiguous.
func FunctionAmbiguous(schema, name, other string) *problem.Problem {
	return refused("function_ambiguous", "", fmt.Sprintf("a call of %s.%s() would be ambiguous", schema, name),
		fmt.Sprintf("Every argument of %s has a default, so that it may be called without any.", other),
		fmt.Sprintf("Rename it: ALTER FUNCTION %s RENAME TO another_name; then run the same command again.", other))
}

// NoExecute is a foreign function that a role which inserts may not call.
func NoExecute(schema, name, owner string, roles, grants []string) *problem.Problem {
	return refused("no_execute", "", fmt.Sprintf("%s may INSERT but not call %s.%s()", strings.Join(roles, ", "), schema, name),
		fmt.Sprintf("The function belongs to %s; with it as the default their inserts would fail.", owner),
		"Let its owner run: "+strings.Join(grants, " "))
}

// MarkLost is a column that was there before up, and whose comment does not tell any more what of it is up's.
func MarkLost(table, quoted, column string) *problem.Problem {
	return refused("mark_lost", table, fmt.Sprintf("column %s of %s was there before up, and its comment has been changed since", column, table),
		"What it was like before stood at the end of the comment: [rekey: found {..}]. Nothing of it is taken away on a guess.",
		fmt.Sprintf("Give the comment back its end, if you have it: COMMENT ON COLUMN %s.%s IS '..'; or take the rest of this table back by hand.", quoted, sqltext.Ident(column)))
}
