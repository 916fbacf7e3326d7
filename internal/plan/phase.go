package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// Phase is how far a schema is on the way from integer keys to uuids.
type Phase string

// The phases, in order.
const (
	Integers Phase = "integers" // no table has a uuid column of rekey's
	Expanded Phase = "expanded" // every table has a uuid column
	Linked   Phase = "linked"   // every foreign key has a uuid counterpart
)

// Goal returns the phase that a run in this direction reaches; asked is the phase that was asked for, "" if none was.
func (d Direction) Goal(asked Phase) Phase {
	switch {
	case asked != "":
		return asked
	case d == Down:
		return Integers
	default:
		return Expanded
	}
}

// Arbiter says which unique indexes an application may name in INSERT .. ON CONFLICT (columns) after link. Only one of two
// unique indexes on the same values can be an arbiter: under concurrency the other one raises unique_violation.
type Arbiter string

// The arbiters.
const (
	ArbiterInteger Arbiter = "integer" // the indexes of the integer columns: the default, also for ""
	ArbiterUUID    Arbiter = "uuid"    // their twins
	ArbiterBoth    Arbiter = "both"    // both; the applications must retry after unique_violation
)

// HasEdges reports whether a table of the schema has a uuid column that link made.
func HasEdges(schema catalog.Schema) bool {
	return slices.ContainsFunc(schema.Relations, func(t catalog.Table) bool {
		return slices.ContainsFunc(t.Columns, func(c catalog.Column) bool {
			_, marked := step.ReadEdgeMark(&c)
			return marked
		})
	})
}
