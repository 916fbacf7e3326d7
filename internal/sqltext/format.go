package sqltext

import (
	"fmt"
	"strings"
)

// Name is an argument of Format that is written as one quoted identifier.
type Name string

// Table is an argument of Format that is written as a quoted, schema-qualified name: a table, an
// index, a function.
type Table struct {
	Schema, Name string
	Only         bool // without the tables that inherit from it
}

// Value is an argument of Format that is written as a string constant.
type Value string

// Format replaces each {} of the template, in order, by one argument. The arguments' types say how
// each is written, so that no name reaches SQL unquoted: Name, Table and Value are quoted, whole
// numbers are written as they are, and nothing else is taken.
//
// It panics on a wrong count or another type: both are faults of the program, found by its first run.
func Format(template string, args ...any) string {
	parts := strings.Split(template, "{}")
	if len(parts) != len(args)+1 {
		panic(fmt.Sprintf("sqltext: %d places for %d arguments in %q", len(parts)-1, len(args), template))
	}
	var out strings.Builder
	for i, part := range parts {
		out.WriteString(part)
		if i < len(args) {
			out.WriteString(write(args[i]))
		}
	}
	return out.String()
}

func write(arg any) string {
	switch value := arg.(type) {
	case Name:
		return Ident(string(value))
	case Table:
		if value.Only {
			return "ONLY " + Qualified(value.Schema, value.Name)
		}
		return Qualified(value.Schema, value.Name)
	case Value:
		return Literal(string(value))
	case int, int64, uint32:
		return fmt.Sprint(value)
	default:
		panic(fmt.Sprintf("sqltext: cannot write a %T", arg))
	}
}
