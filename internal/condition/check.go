package condition

import (
	"embed"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed templates
var templates embed.FS

func template(name string, values ...string) string {
	return sqltext.Template(templates, name, values...)
}

func do(body string) string { return "DO " + sqltext.Dollar("\n"+body+"\n") }

// tree is the start of a query for a table and all tables below it, by oid.
func tree(top sqltext.Table) string {
	return "WITH RECURSIVE tree (relation) AS (SELECT " + Regclass(top) + "::oid" +
		" UNION SELECT h.inhrelid FROM pg_inherits h JOIN tree ON h.inhparent = tree.relation)\n    "
}

// Refuse is a statement that fails if a condition is true for the column a of a table below the top one. The message
// follows the names of such tables; the hint is to generate the script of a direction again.
//
// The tables below a table may change between two statements of a script, or between generating and running it. The change
// that such a table would harm checks for it, under its lock.
func Refuse(top sqltext.Table, column, where, message, direction string) string {
	return do(template("refuse", "tree", tree(top), "column", sqltext.Literal(column), "top", Regclass(top),
		"where", where, "message", sqltext.Literal(message), "again", Again(direction)))
}

// Dependents is a statement that fails if another object depends on the column of a table or of one below it. DROP COLUMN
// would silently drop indexes, constraints and statistics as well.
func Dependents(top sqltext.Table, column string) string {
	return dependents(top, column, "")
}

// dependents leaves out what but excludes, a further condition on pg_depend d.
func dependents(top sqltext.Table, column, but string) string {
	return do(template("dependents", "tree", tree(top), "column", sqltext.Literal(column), "but", but))
}

// Grant is the body of a DO statement that grants EXECUTE on a function without arguments to every role that may insert
// into one of the tables.
func Grant(function sqltext.Table, tables []sqltext.Table) string {
	name := sqltext.Qualified(function.Schema, function.Name) + "()"
	lines := make([]string, len(tables))
	for i, table := range tables {
		lines[i] = Regclass(table)
	}
	return template("grant", "tables", List(lines), "function_name", sqltext.Literal(name),
		"function", "to_regprocedure("+sqltext.Literal(name)+")::oid")
}

// List writes the elements of an array or of a VALUES list, one on each line.
func List(lines []string) string { return "        " + strings.Join(lines, ",\n        ") }
