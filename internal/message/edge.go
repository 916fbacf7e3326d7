package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// EdgeUnsupported returns the refusal of a foreign key, or a reference without one, that cannot have a uuid counterpart.
func EdgeUnsupported(edge, constraint, reason, hint string) *problem.Problem {
	return refused("edge_unsupported", edge, "could not link "+edge, sentence("For "+keyText(constraint)+": "+reason),
		hint+", "+again)
}

// keyText returns a foreign key in words.
func keyText(constraint string) string {
	if constraint == "" {
		return "a reference without a foreign key"
	}
	return "foreign key " + constraint
}

// EdgeOtherSchema returns the refusal of a foreign key onto a table of a schema that the user did not name.
func EdgeOtherSchema(edge, constraint, parent, schema string) *problem.Problem {
	return refused("edge_other_schema", edge, fmt.Sprintf("%s refers to %s in another schema", edge, parent),
		fmt.Sprintf("Foreign key %s leads to a table that this run does not cover, and its uuid foreign key would lock that table and depend on it.", constraint),
		"Allow it: rekey up --to linked --parents "+visible.Word(schema))
}

// EdgeParentNotExpanded returns the refusal of a foreign key onto a table of another schema that has no uuid yet.
func EdgeParentNotExpanded(edge, parent, schema string) *problem.Problem {
	return refused("edge_parent_not_expanded", edge, fmt.Sprintf("%s, the parent of %s, has no uuid column", parent, edge),
		"A run changes the tables of its own schema only. The parent needs a uuid column that is NOT NULL and unique.",
		"First: rekey up --schema "+visible.Word(schema))
}

// UnusedParents returns the refusal of a schema of --parents to which no foreign key refers.
func UnusedParents(schema, parents string) *problem.Problem {
	return refused("unused_parents", "", fmt.Sprintf("no foreign key of schema %s refers to schema %s", schema, parents),
		"--parents names the other schemas whose tables may be parents.",
		"Correct or omit --parents "+visible.Word(parents)+", "+again)
}

// EdgeConflict returns the refusal of a foreign key on a column that another foreign key refers to another table with.
func EdgeConflict(edge, constraint, other string) *problem.Problem {
	return refused("edge_conflict", edge, fmt.Sprintf("foreign keys %s and %s both use %s", other, constraint, edge),
		"They refer to different tables or keys, and the column gets one uuid column.",
		"Drop one of the foreign keys, "+again)
}

// EdgeColumnTaken returns the refusal of an edge whose uuid column exists and was not made by rekey.
func EdgeColumnTaken(edge, column, kind string) *problem.Problem {
	hint := "Rename the column, "
	if kind == "uuid" {
		hint = "Rename the column or, in a partition that was detached since, drop it, "
	}
	return refused("edge_column_taken", edge, fmt.Sprintf("column name %s for %s is taken", column, edge),
		fmt.Sprintf("The column is of type %s. It has no mark of rekey, which does not change values that an application may have written.", kind),
		hint+again)
}

// EdgeParentHidden returns the refusal of an edge whose parent hides rows from its owner, as whom the triggers look rows up.
func EdgeParentHidden(edge, parent, quoted, owner string) *problem.Problem {
	return refused("edge_parent_hidden", edge, fmt.Sprintf("row-level security is forced on %s, the parent of %s", parent, edge),
		fmt.Sprintf("The triggers look up parents with the rights of %s, from whom policies may hide rows.", owner),
		fmt.Sprintf("Add a policy: CREATE POLICY rekey ON %s FOR SELECT TO %s USING (true); Or: ALTER ROLE %s BYPASSRLS;", quoted, sqltext.Ident(owner), sqltext.Ident(owner)))
}

// EdgeLaterTriggers returns the refusal of an edge whose child has BEFORE triggers that fire after the edge's own.
func EdgeLaterTriggers(edge, own string, later []string) *problem.Problem {
	return refused("edge_later_triggers", edge, fmt.Sprintf("triggers of the table would fire after the ones of %s: %s", edge, strings.Join(later, ", ")),
		fmt.Sprintf("BEFORE triggers fire in the order of their names. One that sorts after %s and changes a column would leave the two columns different.", own),
		"Rename the triggers so that they sort before ~, "+again)
}

// EdgeParentOwner returns the refusal of an edge whose role does not own the parent.
// all says that the owner may do everything, or read all rows: no other role should become a member of it.
func EdgeParentOwner(edge, parent, owner, role string, all bool) *problem.Problem {
	hint := fmt.Sprintf("Connect as %s, or let a DBA run: GRANT %s TO %s;", owner, sqltext.Ident(owner), sqltext.Ident(role))
	if all {
		hint = fmt.Sprintf("Connect as %s.", owner)
	}
	return refused("edge_parent_owner", edge, fmt.Sprintf("role %s does not own %s, the parent of %s", role, parent, edge),
		fmt.Sprintf("It belongs to %s. The trigger function runs with its owner's rights and must belong to the parent's owner, and the foreign key needs REFERENCES on the parent.", owner), hint)
}

// EdgeOwnerCannotCreate returns the refusal of an edge whose trigger function cannot belong to the parent's owner.
func EdgeOwnerCannotCreate(edge, schema, owner, parent string) *problem.Problem {
	return refused("edge_owner_cannot_create", edge, fmt.Sprintf("role %s may not create functions in schema %s", owner, schema),
		fmt.Sprintf("The trigger function of %s is in this schema and must belong to the owner of %s, with whose rights it looks up parents.", edge, parent),
		fmt.Sprintf("Let a DBA run: GRANT CREATE ON SCHEMA %s TO %s;", sqltext.Ident(schema), sqltext.Ident(owner)))
}

// EdgeOwnersDiffer returns the refusal of an edge whose AFTER trigger would need the rights of two owners.
func EdgeOwnersDiffer(edge, childOwner, parentOwner, parent string) *problem.Problem {
	return refused("edge_owners_differ", edge, fmt.Sprintf("the tables of %s belong to different roles: %s and %s", edge, childOwner, parentOwner),
		fmt.Sprintf("A row may be written before its parent. The trigger that fills it then must read %s as its owner and write the row as the other.", parent),
		"Give both tables one owner, or make the foreign key NOT DEFERRABLE, "+again)
}

// EdgeFunctionTaken returns the refusal of an edge whose trigger function would have the name of another function.
func EdgeFunctionTaken(edge, schema, function, reason string) *problem.Problem {
	return refused("edge_function_taken", edge, fmt.Sprintf("function name %s.%s for %s is taken", schema, function, edge), reason,
		fmt.Sprintf("Rename it: ALTER FUNCTION %s.%s() RENAME TO another_name; Afterwards run the same command again.", sqltext.Ident(schema), sqltext.Ident(function)))
}

// NoPLpgSQL returns the refusal of an edge whose trigger function the role may not create.
func NoPLpgSQL(edge, role string) *problem.Problem {
	return refused("no_plpgsql", edge, fmt.Sprintf("role %s may not create functions in PL/pgSQL", role),
		"The language does not exist in the database, or the role lacks USAGE on it. The triggers of "+edge+" are written in it.",
		fmt.Sprintf("Let a DBA run: CREATE EXTENSION IF NOT EXISTS plpgsql; GRANT USAGE ON LANGUAGE plpgsql TO %s;", sqltext.Ident(role)))
}

// EdgeIndexTwice returns the refusal of an edge whose index would have the name of another edge's.
func EdgeIndexTwice(edge, index, other string) *problem.Problem {
	return refused("edge_index_twice", edge, fmt.Sprintf("%s and %s would both get index %s", other, edge, index), "",
		"Rename the index that one of them copies, "+again)
}

// BadReference returns the refusal of --reference for a column or a table that cannot be an edge.
func BadReference(edge, parent, reason, hint string) *problem.Problem {
	return refused("bad_reference", edge, fmt.Sprintf("could not use the reference %s to %s", edge, parent), sentence(reason), hint+". The form is --reference TABLE.COLUMN=PARENT.")
}

// EdgeRemains returns the refusal of down for a column to which the uuid foreign key of a table in another schema refers.
func EdgeRemains(table, column, constraint, schema string) *problem.Problem {
	return refused("edges_remain", table, fmt.Sprintf("foreign key %s of schema %s depends on column %s of %s", constraint, schema, column, table),
		"A run for that schema made the foreign key. It refers to the uuids that down would remove.",
		"First: rekey down --schema "+visible.Word(schema)+" --to expanded")
}

// KeysSwitched refuses to remove what switched primary keys need.
func KeysSwitched(schema string, tables []string) *problem.Problem {
	return refused("keys_switched", "", fmt.Sprintf("schema %s is switched: %s", schema, Counted(len(tables), "table has a switched primary key", "tables have switched primary keys")),
		fmt.Sprintf("Their primary keys, or the foreign keys on their integers, depend on what down would remove: %s.", list(tables)),
		"Switch them back first: rekey down --to linked")
}

// EdgesRemain returns the refusal of down to the integers while foreign keys have uuid columns. columns lists these.
func EdgesRemain(schema string, columns []string) *problem.Problem {
	return refused("edges_remain", "", fmt.Sprintf("schema %s is linked: %s", schema, Counted(len(columns), "reference has a uuid column", "references have a uuid column")),
		fmt.Sprintf("They refer to the uuids that down would remove: %s.", list(columns)),
		"Remove them first: rekey down --to expanded")
}
