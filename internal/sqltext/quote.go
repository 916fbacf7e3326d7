// Package sqltext quotes names and values for SQL, and reads SQL as PostgreSQL's scanner does. No other package quotes.
package sqltext

import "strings"

// MaxIdentifier is the length in bytes to which PostgreSQL truncates a name (NAMEDATALEN - 1).
const MaxIdentifier = 63

// Ident returns a name as a quoted SQL identifier. It always quotes: a name that needs no quotes now may be a keyword in the
// next version of PostgreSQL.
func Ident(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Qualified returns schema.name, both quoted.
func Qualified(schema, name string) string {
	return Ident(schema) + "." + Ident(name)
}

// Literal returns a value as an SQL string constant that is the same for every setting of standard_conforming_strings.
func Literal(value string) string {
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	if strings.Contains(quoted, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// FitsIdentifier reports whether PostgreSQL accepts the name and does not truncate it.
func FitsIdentifier(name string) bool {
	return name != "" && len(name) <= MaxIdentifier && !strings.ContainsRune(name, 0)
}
