// Package sqltext is the only place that turns a name or a value into SQL text.
package sqltext

import "strings"

// MaxIdentifier is the length in bytes to which PostgreSQL truncates a name (NAMEDATALEN - 1).
const MaxIdentifier = 63

// Ident quotes a name as an SQL identifier. It always quotes: a name that needs no quotes today
// may be a keyword in the next version of PostgreSQL.
func Ident(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Qualified quotes schema.name.
func Qualified(schema, name string) string {
	return Ident(schema) + "." + Ident(name)
}

// Literal quotes a value as an SQL string constant that means the same whatever
// standard_conforming_strings says.
func Literal(value string) string {
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	if strings.Contains(quoted, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// Fits reports whether PostgreSQL keeps the name whole.
func FitsIdentifier(name string) bool {
	return name != "" && len(name) <= MaxIdentifier && !strings.ContainsRune(name, 0)
}
