package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/problem"
)

// EdgeMarkLost returns the refusal of an edge whose triggers exist and whose mark was edited or removed, or names the table as it
// was before a rename. statement restores the mark.
func EdgeMarkLost(edge, table, column, was, statement string) *problem.Problem {
	if was != "" {
		return refused("edge_renamed", edge, fmt.Sprintf("%s was %s when up linked it", table, was),
			fmt.Sprintf("Up made column %s, and its trigger function names the tables as they were. Until the names fit, writes of the reference take longer; they fail if its tables have different owners.", column),
			"Rename it back. Or keep the new name, correct the mark, and let rekey up --to linked replace the triggers: "+statement+";")
	}
	return refused("edge_mark_lost", edge, fmt.Sprintf("the comment of column %s of %s lacks rekey's mark", column, table),
		"Up made the column and its triggers, and the mark in the comment shows down that it may remove them. Without the mark rekey changes and removes nothing.",
		"Restore the mark: "+statement+"; Afterwards run the same command again.")
}

// EdgeMarkEdited returns the refusal of a column whose mark was edited and for which there is no reference any more.
func EdgeMarkEdited(table, quoted, column string) *problem.Problem {
	return refused("edge_mark_lost", table, fmt.Sprintf("the mark of column %s of %s was edited", column, table),
		"No foreign key shows to which reference the column belongs. Without the mark rekey changes and removes nothing.",
		keepOrDrop(quoted, column, ""))
}

// keepOrDrop returns the hint for a column that rekey no longer works on.
func keepOrDrop(quoted, column, comment string) string {
	text := "NULL"
	if comment != "" {
		text = sqltext.Literal(comment)
	}
	return fmt.Sprintf("Keep the column: COMMENT ON COLUMN %s.%s IS %s; Or drop it: ALTER TABLE %s DROP COLUMN %s;", quoted, sqltext.Ident(column), text, quoted, sqltext.Ident(column))
}

// EdgeTableMoved returns the refusal of an edge whose child was renamed, or moved to another schema, since up made it.
func EdgeTableMoved(table, was sqltext.Table, column string) *problem.Problem {
	now, old := sqltext.Qualified(table.Schema, table.Name), sqltext.Qualified(was.Schema, was.Name)
	back := fmt.Sprintf("Rename it back: ALTER TABLE %s RENAME TO %s;", now, sqltext.Ident(was.Name))
	if table.Schema != was.Schema {
		back = fmt.Sprintf("If the schema was renamed, rename it back: ALTER SCHEMA %s RENAME TO %s; If the table was moved: ALTER TABLE %s SET SCHEMA %s;",
			sqltext.Ident(table.Schema), sqltext.Ident(was.Schema), now, sqltext.Ident(was.Schema))
	}
	return refused("edge_renamed", table.String(), fmt.Sprintf("%s was %s when up linked it", table, was),
		fmt.Sprintf("Up made column %s for %s, and its trigger function names the tables as they were. Until the names fit, writes of the reference take longer; they fail if its tables have different owners.", column, old),
		back+" To rename it for good, go back first: rekey down --to expanded")
}

// EdgeColumnRenamed returns the refusal of an edge whose integer column was renamed since up made it. now is the new name, "" if it
// is not known.
func EdgeColumnRenamed(table, quoted, uuid, was, now string) *problem.Problem {
	name := "new_name"
	if now != "" {
		name = sqltext.Ident(now)
	}
	return refused("edge_renamed", table+"."+was, fmt.Sprintf("%s has no column %s, for which up made %s", table, was, uuid),
		"The triggers still exist, and their function names the column as it was. Until the name fits, writes of the reference take longer; they fail if its tables have different owners.",
		fmt.Sprintf("Rename it back: ALTER TABLE %s RENAME COLUMN %s TO %s; To rename it for good, go back first: rekey down --to expanded", quoted, name, sqltext.Ident(was)))
}

// EdgeColumnDropped returns the refusal of an edge whose integer column was dropped with its triggers. comment is the application's
// part of the uuid column's comment.
func EdgeColumnDropped(table, quoted, uuid, was, comment string) *problem.Problem {
	return refused("edge_column_dropped", table+"."+was, fmt.Sprintf("%s has no column %s, for which up made %s", table, was, uuid),
		fmt.Sprintf("The column and the triggers were dropped. The uuids are all that is left of the reference, so that rekey does not drop %s.", uuid),
		keepOrDrop(quoted, uuid, comment))
}

// MovedIndexMissing returns the refusal to make unique indexes unique again that up made plain and that do not exist any more.
func MovedIndexMissing(edge, uuid string, indexes []string) *problem.Problem {
	return refused("moved_index_missing", edge, "indexes that were unique before up are missing: "+list(indexes),
		fmt.Sprintf("Up made them plain indexes, since unique indexes on %s keep the rows unique instead. They were renamed or dropped, so that rekey cannot make them unique again.", uuid),
		"Rename them back, or create plain indexes with these names and columns: CREATE INDEX CONCURRENTLY")
}

// EdgeTriggersLeft returns the refusal of a table with triggers that up made and no column that is marked for them.
func EdgeTriggersLeft(table, quoted string, triggers []string) *problem.Problem {
	var statements strings.Builder
	for _, name := range triggers {
		fmt.Fprintf(&statements, " DROP TRIGGER %s ON %s;", sqltext.Ident(name), quoted)
	}
	return refused("edge_triggers_left", table, fmt.Sprintf("%s has triggers of rekey without a marked column: %s", table, list(triggers)),
		"Up made them to keep a uuid column equal to an integer one. The mark of the column was removed, and no foreign key shows which one it is.",
		"If no application needs them, drop them:"+statements.String())
}

// EdgeParentChanged returns the refusal of an edge whose column refers to another key than when up made the uuid column.
func EdgeParentChanged(edge, uuid, was, now string) *problem.Problem {
	return refused("edge_parent_changed", edge, fmt.Sprintf("%s refers to %s, and up made %s for %s", edge, now, uuid, was),
		"Applications may have read the uuids, which rekey does not replace by the uuids of another table.",
		"Remove what up made for the earlier reference first: rekey down --to expanded")
}

// EdgeParentGone returns the refusal of an edge whose parent was dropped.
func EdgeParentGone(edge, parent string) *problem.Problem {
	return refused("edge_parent_gone", edge, fmt.Sprintf("%s, the parent of %s, does not exist", parent, edge),
		"The trigger function looks up its rows, so that every write of the reference fails.",
		"Restore the table, or remove what up made: rekey down --to expanded")
}
