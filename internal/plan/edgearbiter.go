package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/step"
)

// chooseArbiters decides, for the twins of unique indexes of one link, which of the two indexes is unique. Without a request both
// stay as they are and new twins are plain: a second unique index ends INSERT .. ON CONFLICT on the first one with
// unique_violation under concurrency. links are in the order of the run, and those before the link are decided.
func (f linkFinder) chooseArbiters(links []Link, at int) {
	l := &links[at]
	child := f.tables[l.Edge.Child.All()]
	if child == nil {
		return // only down gets here
	}
	asked := f.input.Policy.Arbiter
	if away := step.MovedAway(child); len(away) > 0 && (f.input.Direction == Down || asked == ArbiterInteger || asked == ArbiterBoth) {
		l.problems = append(l.problems, message.MovedIndexMissing(l.String(), l.Edge.UUID, away))
	}
	origin, mark := l.Edge.ReadMark(child)
	for i := range l.Edge.Twins {
		twin := &l.Edge.Twins[i]
		if !twin.OfUnique {
			continue
		}
		table := tableNamed(child, *twin)
		existing, of := table.Index(twin.Name), table.Index(twin.Of)
		moved := of != nil && !of.Unique
		why := f.staysArbiter(links, at, *twin, of)
		others := existing != nil && origin == step.Made && !slices.Contains(mark.Indexes, twin.Name)
		if others && why == "" {
			why = "index " + twin.Name + " existed before link"
		}
		twin.Unique = existing != nil && existing.Unique
		switch keeps := twin.Unique; {
		case asked == "":
			twin.Moves = moved && why == ""
		case others, existing != nil && l.Edge.Tree:
			twin.Returns = moved
		case asked == ArbiterUUID && why == "":
			twin.Unique, twin.Moves = true, true
		default:
			twin.Unique, twin.Returns = asked == ArbiterBoth, moved && (keeps || f.isLastOf(links, at, twin.Of))
		}
		l.Notes = append(l.Notes, arbiterNote(l.Edge, *twin, moved, asked, why))
	}
}

// arbiterNote says which of the two indexes INSERT .. ON CONFLICT can name.
func arbiterNote(e step.Edge, twin step.IndexTwin, moved bool, asked Arbiter, why string) string {
	switch {
	case moved && !twin.Returns:
		return fmt.Sprintf("index %s is not unique, its twin %s is: INSERT .. ON CONFLICT can name %s, and with %s it fails (42P10)", twin.Of, twin.Name, e.UUID, e.Column)
	case twin.Moves:
		return fmt.Sprintf("unique index %s becomes a plain index, and its twin %s a unique one: while both are unique, INSERT .. ON CONFLICT with the columns of either index can fail with unique_violation (23505) under concurrency, so retry; afterwards it can name %s, and with %s it fails (42P10)",
			twin.Of, twin.Name, e.UUID, e.Column)
	case twin.Unique:
		return fmt.Sprintf("unique index %s gets the unique twin %s: INSERT .. ON CONFLICT with the columns of either index can then fail with unique_violation (23505) on the other one, under concurrency only", twin.Of, twin.Name)
	case asked == ArbiterUUID:
		return fmt.Sprintf("unique index %s stays unique, and its twin %s is not: %s", twin.Of, twin.Name, why)
	}
	return fmt.Sprintf("unique index %s gets the twin %s, which is not unique: %s keeps the rows unique, and INSERT .. ON CONFLICT cannot name %s (--arbiter uuid makes the twin unique in its place, --arbiter both in addition)",
		twin.Of, twin.Name, twin.Of, e.UUID)
}

// staysArbiter returns why a unique index of the integer column cannot become a plain one; "" if it can.
func (f linkFinder) staysArbiter(links []Link, at int, twin step.IndexTwin, of *catalog.Index) string {
	l := links[at]
	parent := f.tables[l.Edge.Parent.All()]
	switch {
	case of == nil || parent == nil:
		return "it does not exist"
	case of.Primary:
		return "it is the primary key"
	case of.Unique && !of.Immediate:
		return "it is deferrable, so that it is no arbiter either"
	case of.ReplicaIdentity:
		return "it is the replica identity"
	case len(of.Users) > 0:
		return "what depends on it: " + strings.Join(of.Users, ", ")
	case l.Edge.Tree:
		return "the table is partitioned"
	}
	if later := lastOf(links, at, of); later != at {
		return "the twin of " + links[later].String() + ", which holds the uuids of both references, can take its place"
	}
	for i := range links[:at+1] {
		if one := &links[i]; one.Edge.Child.Same(l.Edge.Child) && one.Edge.UUID != "" && of.Holds(one.Edge.Column) && one.State != Refused && one.State != Skipped {
			if why := f.maybeWithoutUUID(one, of, twin); why != "" {
				return why
			}
		}
	}
	return ""
}

// maybeWithoutUUID returns why rows that differ in no integer can differ in the uuids of an edge; "" if they cannot.
func (f linkFinder) maybeWithoutUUID(l *Link, of *catalog.Index, twin step.IndexTwin) string {
	e := l.Edge
	parent := f.tables[e.Parent.All()]
	unknown := "a row written before its parent would be checked before its " + e.UUID + " is known"
	switch {
	case !e.Constrained():
		return e.Column + " has no foreign key, so that a row may have no " + e.UUID
	case !e.Reference.Validated:
		return "foreign key " + e.Reference.Name + " is NOT VALID, so that a row may have no " + e.UUID
	case f.input.EdgeRows[KeyOf(e)].Orphans > 0:
		return "rows of " + e.Column + " have no parent, and so no " + e.UUID
	case e.Always:
		return "rows arrive by logical replication, perhaps before their parents and without " + e.UUID
	case !e.Required && !e.ChildFirst:
		return "a row may have no " + e.UUID + " until the next up"
	case e.ChildFirst && (twin.UniqueDefinition != "" || slices.Contains(of.Uses, e.Column)):
		return unknown
	case parent != nil && !keyIsUnique(parent, e.Key) && slices.ContainsFunc(e.Parts(), func(p step.EdgePart) bool { return !slices.Contains(of.Columns, p.Child) }):
		return e.Key + " alone does not identify a row of " + e.Parent.All().String()
	}
	return ""
}

// keyIsUnique reports whether a table has a unique index on one column alone.
func keyIsUnique(table *catalog.Table, column string) bool {
	return slices.ContainsFunc(table.Indexes, func(i catalog.Index) bool {
		return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && slices.Equal(i.Columns, []string{column})
	})
}

// lastOf returns the position of the last link of a child whose column an index holds, whether it is refused or not: its twin
// holds the uuids of all.
func lastOf(links []Link, at int, of *catalog.Index) int {
	last := at
	for i, l := range links {
		if i > last && l.Edge.UUID != "" && l.Edge.Child.Same(links[at].Edge.Child) && of.Holds(l.Edge.Column) {
			last = i
		}
	}
	return last
}

// isLastOf is lastOf of the index with a name.
func (f linkFinder) isLastOf(links []Link, at int, index string) bool {
	of := indexNamed(f.tables[links[at].Edge.Child.All()], index)
	return of != nil && lastOf(links, at, of) == at
}

// tableNamed returns the table of a twin: the child or one below it.
func tableNamed(child *catalog.Table, twin step.IndexTwin) *catalog.Table {
	for _, table := range child.All() {
		if table.Named().Same(twin.Table) {
			return table
		}
	}
	return child
}
