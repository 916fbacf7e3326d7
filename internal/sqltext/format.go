package sqltext

import (
	"fmt"
	"strings"
)

// Name is an argument of Format, written as one quoted identifier.
type Name string

// Table is the name of a table, index or function, and an argument of Format that writes it quoted and schema-qualified.
// Two values name the same relation if Same reports it.
type Table struct {
	Schema, Name string
	Only         bool // write ONLY before the name: without the tables that inherit from it
}

// String returns schema.name without quotes, for messages; "" for the zero value.
func (t Table) String() string {
	if t.Schema == "" {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// Same reports whether both are the name of one relation, with or without the tables below it.
func (t Table) Same(other Table) bool { return t.All() == other.All() }

// All returns the name without Only: the table and the tables below it.
func (t Table) All() Table {
	t.Only = false
	return t
}

// Value is an argument of Format, written as a string constant.
type Value string

// Format replaces each {} of the template, in order, with one argument. The type of the argument decides how it is written,
// so that no name gets into SQL without quotes: a Name, Table or Value is quoted, an int, int64 or uint32 is written as it is.
//
// Format panics if the number of arguments is wrong or an argument has another type.
func Format(template string, args ...any) string {
	parts := strings.Split(template, "{}")
	if len(parts) != len(args)+1 {
		panic(fmt.Sprintf("sqltext: %d placeholders for %d arguments in %q", len(parts)-1, len(args), template))
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
