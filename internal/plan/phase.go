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
	Integers   Phase = "integers"   // no table has a uuid column of rekey's
	Expanded   Phase = "expanded"   // every table has a uuid column
	Linked     Phase = "linked"     // every foreign key has a uuid counterpart
	Switched   Phase = "switched"   // the uuid is the primary key of every table; the integers are unique and kept equal
	Contracted Phase = "contracted" // the integers are gone
)

// AtLeast reports whether a phase is another one or a later one. "" is before all of them.
func (p Phase) AtLeast(other Phase) bool {
	return slices.Index(Phases(), p) >= slices.Index(Phases(), other)
}

// Phases returns all phases in order.
func Phases() []Phase { return []Phase{Integers, Expanded, Linked, Switched, Contracted} }

// Goal returns the phase that a run in this direction reaches; asked is the requested phase, or "".
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

// PhaseOf returns the phase that tables in these states have reached, with their references and their primary keys in these states.
// It is Linked if there is a reference and each one is linked, and Switched or Contracted if moreover each primary key is. Skipped and absent ones
// do not count; a refused one does, since it is not where the phase would have it.
func PhaseOf(tables, references []State, keys []PrimaryKey) Phase {
	counts := func(state State) bool { return state != Skipped && state != Absent }
	behind := func(state State) bool { return counts(state) && state != Complete }
	has := func(fits func(State) bool) func(PrimaryKey) bool {
		return func(k PrimaryKey) bool { return fits(k.State) }
	}
	switch {
	case slices.ContainsFunc(tables, behind):
		return Integers
	case slices.ContainsFunc(keys, has(counts)) && !slices.ContainsFunc(keys, has(behind)) && !slices.ContainsFunc(references, behind):
		if slices.ContainsFunc(keys, func(k PrimaryKey) bool { return counts(k.State) && k.Progress != KeyContracted }) {
			return Switched
		}
		return Contracted
	case slices.ContainsFunc(references, behind) || !slices.ContainsFunc(references, counts):
		return Expanded
	default:
		return Linked
	}
}

// Arbiter says which unique indexes an application may name in INSERT .. ON CONFLICT (columns) after link. Only one of two
// unique indexes on the same values can be an arbiter: under concurrency the other one raises unique_violation.
type Arbiter string

// The arbiters.
const (
	ArbiterInteger Arbiter = "integer" // the indexes of the integer columns: the default, also for ""
	ArbiterUUID    Arbiter = "uuid"    // the indexes of the uuid columns, where they can keep the rows unique alone
	ArbiterBoth    Arbiter = "both"    // both; the applications must retry after unique_violation
)

// HasEdges reports whether a table of the schema has a uuid column, or triggers, that link made.
func HasEdges(schema catalog.Schema) bool {
	return len(edgeMarks(schema)) > 0 || slices.ContainsFunc(schema.Relations, func(t catalog.Table) bool {
		return slices.ContainsFunc(t.Triggers, catalog.Trigger.OfEdge)
	})
}

// ParentSchemas returns the other schemas that have parents of the edges that link made in a schema, sorted.
func ParentSchemas(schema catalog.Schema) []string {
	var names []string
	for _, mark := range edgeMarks(schema) {
		if name := mark.Parent.Schema; name != "" && name != schema.Name && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func edgeMarks(schema catalog.Schema) []step.EdgeMark {
	var marks []step.EdgeMark
	for _, t := range schema.Relations {
		for i := range t.Columns {
			if mark, ok := step.ReadEdgeMark(&t.Columns[i]); ok {
				marks = append(marks, mark)
			}
		}
	}
	return marks
}
