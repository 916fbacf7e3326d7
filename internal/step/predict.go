package step

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Predictor is a step that computes, without a server, what the database looks like after all of its actions have run.
// Only scripts use it: a script contains all statements of a plan before the first one runs.
type Predictor interface {
	Step
	// AfterApply returns the view after Apply's actions. It does not change v.
	AfterApply(v View) View
	// AfterUndo returns the view after Undo's actions. It does not change v.
	AfterUndo(v View) View
}

// copyOf returns a copy of the view whose tables may be changed, and the target's column in it, or nil.
func (t Target) copyOf(v View) (View, *catalog.Column) {
	if v.Table == nil {
		return v, nil
	}
	table := copyTable(*v.Table)
	table.Below = slices.Clone(table.Below)
	for i := range table.Below {
		table.Below[i] = copyTable(table.Below[i])
	}
	v.Table, v.Filled = &table, maps.Clone(v.Filled)
	return v, table.Column(t.Column)
}

func copyTable(table catalog.Table) catalog.Table {
	table.Columns = slices.Clone(table.Columns)
	table.Indexes = slices.Clone(table.Indexes)
	table.Constraints = slices.Clone(table.Constraints)
	return table
}

func withoutIndex(table *catalog.Table, name string) {
	table.Indexes = slices.DeleteFunc(table.Indexes, func(i catalog.Index) bool { return i.Name == name })
}

func (t Target) withoutCheck(table *catalog.Table) {
	table.Constraints = slices.DeleteFunc(table.Constraints, func(c catalog.Constraint) bool { return c.Name == t.Check })
}

// setCall sets the target's default. The text need not be exactly what PostgreSQL would write.
func (t Target) setCall(c *catalog.Column) {
	if !t.HasDefault(c) {
		c.Calls = sqltext.Qualified(t.Function.Schema, t.Function.Name)
		c.Default = c.Calls + "()"
	}
}

func optional(comment string) *string {
	if comment == "" {
		return nil
	}
	return &comment
}

// AfterApply implements Predictor.
func (s AddColumn) AfterApply(v View) View {
	origin, _ := s.Target.Read(v.Table)
	before := v
	v, c := s.Target.copyOf(v)
	switch origin {
	case Absent:
		for _, table := range v.Table.All() {
			table.Columns = append(table.Columns, catalog.Column{Name: s.Target.Column, Type: "uuid"})
		}
		v.Table.Column(s.Target.Column).Comment = optional(s.Target.madeComment(nil))
		v.Unfilled, v.Filled = true, nil
	case Untouched:
		if len(s.Apply(before)) == 0 {
			return before // complete without rekey
		}
		c.Comment = optional(s.Target.foundComment(c.Comment, s.foundMark(c, before)))
	case Made, Found:
	}
	for _, table := range v.Table.All() {
		s.Target.setCall(table.Column(s.Target.Column))
	}
	return v
}

// AfterUndo implements Predictor.
func (s AddColumn) AfterUndo(v View) View {
	origin, mark := s.Target.Read(v.Table)
	v, c := s.Target.copyOf(v)
	switch origin {
	case Made:
		v = BuildIndex(s).AfterUndo(v)
		for _, table := range v.Table.All() {
			table.Columns = slices.DeleteFunc(table.Columns, func(c catalog.Column) bool { return c.Name == s.Target.Column })
		}
	case Found:
		c.Comment = optional(plainComment(c))
		for _, table := range v.Table.All() {
			if own := table.Column(s.Target.Column); own != nil {
				own.Default, own.Calls = mark.ofTable(table.Schema+"."+table.Name).Default, ""
			}
		}
	case Absent, Untouched: // nothing to undo
	}
	return v
}

// AfterApply implements Predictor.
func (s FillColumn) AfterApply(v View) View {
	before := v
	v, _ = s.Target.copyOf(v)
	for _, table := range v.Table.All() {
		if !v.Table.IsTree() && before.Unfilled || v.Table.IsTree() && !before.Filled[table.OID] {
			s.Target.withoutCheck(table)
		}
	}
	v.Unfilled, v.Filled = false, map[uint32]bool{}
	for _, table := range v.Table.All() {
		v.Filled[table.OID] = true
	}
	return v
}

// AfterUndo implements Predictor.
func (s FillColumn) AfterUndo(v View) View { return v }

// AfterApply implements Predictor. An index that does not exist yet gets an oid that no other index has.
func (s BuildIndex) AfterApply(v View) View {
	if s.Check(v).Done {
		return v
	}
	v, _ = s.Target.copyOf(v)
	t, rootIndex := s.Target.ForTree(v.Table)
	indexOf := map[uint32]uint32{} // by oid of the table
	for n, part := range t.Indexes(v.Table) {
		made := catalog.Index{
			OID: math.MaxUint32 - uint32(n), Name: part.Index, Columns: t.IndexColumns(), Method: "btree",
			Unique: true, Immediate: true, Valid: true, Ready: true,
		}
		if existing := part.Table.Index(part.Index); rootIndex && existing != nil {
			made.OID = existing.OID
		}
		if rootIndex {
			made.Parent, indexOf[part.Table.OID] = indexOf[part.Table.Above], made.OID
		}
		withoutIndex(part.Table, part.Index)
		part.Table.Indexes = append(part.Table.Indexes, made)
	}
	return v
}

// AfterUndo implements Predictor.
func (s BuildIndex) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	aliases := s.Target.aliases(v.Table)
	v, _ = s.Target.copyOf(v)
	_, mark := s.Target.Read(v.Table)
	for _, alias := range aliases {
		withoutIndex(v.Table, alias)
	}
	for _, part := range s.Target.Indexes(v.Table) {
		if !mark.ofTable(part.Table.Schema + "." + part.Table.Name).Indexed {
			withoutIndex(part.Table, part.Index)
		}
	}
	return v
}

// Indexes returns the tables that get the target's index, parents first. Table of each points into root.
func (t Target) Indexes(root *catalog.Table) []Part {
	t, rootIndex := t.ForTree(root)
	parts := t.Parts(root)
	if rootIndex {
		parts = append(parts, t.Partitioned(root)...)
	}
	var all []Part
	for _, table := range root.All() {
		at := slices.IndexFunc(parts, func(p Part) bool { return p.Table.OID == table.OID })
		if at >= 0 {
			all = append(all, Part{parts[at].Target, table})
		}
	}
	return all
}

// AfterApply implements Predictor.
func (s RequireValue) AfterApply(v View) View {
	v, _ = s.Target.copyOf(v)
	for _, table := range v.Table.All() {
		s.Target.withoutCheck(table)
		if c := table.Column(s.Target.Column); c != nil {
			c.NotNull, c.Unproved = true, false
		}
	}
	return v
}

// AfterUndo implements Predictor.
func (s RequireValue) AfterUndo(v View) View {
	origin, mark := s.Target.Read(v.Table)
	v, _ = s.Target.copyOf(v)
	nullable := mark.nullableTables(v.Table)
	for _, table := range v.Table.All() {
		if c := table.Column(s.Target.Column); c != nil && origin == Found && nullable[table.OID] {
			c.NotNull = false
		}
		s.Target.withoutCheck(table)
	}
	return v
}

// AfterApply implements Predictor.
func (s Settle) AfterApply(v View) View {
	if s.Check(v).Done {
		return v
	}
	v, c := s.Target.copyOf(v)
	if c != nil {
		c.Comment = optional(s.Target.finishedComment(c))
	}
	return v
}

// AfterUndo implements Predictor.
func (s Settle) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, c := s.Target.copyOf(v)
	c.Comment = optional(s.Target.madeComment(c.Comment))
	return v
}

// AfterApply implements Predictor.
func (s RecordVersion) AfterApply(v View) View { return s.recorded(v, len(s.Apply(v)) > 0, s.To) }

// AfterUndo implements Predictor.
func (s RecordVersion) AfterUndo(v View) View { return s.recorded(v, len(s.Undo(v)) > 0, s.From) }

func (s RecordVersion) recorded(v View, changed bool, version int) View {
	if changed && v.Table != nil {
		table := *v.Table
		table.Comment = optional(strconv.Itoa(version))
		v.Table = &table
	}
	return v
}

// AfterApply implements Predictor.
func (s EnsureFunction) AfterApply(v View) View {
	if s.Check(v).Done {
		return v
	}
	made := catalog.Function{Schema: s.Schema, Name: FunctionName, Owner: v.Server.Role.Name, Owned: true, OwnedByRole: true}
	if v.Schema.Function != nil {
		made = *v.Schema.Function
	}
	made.SourceMD5, made.Returns, made.Language = md5Hex(body(v.Server.Major())), "uuid", "sql"
	made.Volatile, made.ParallelSafe, made.Kind, made.Digest = true, true, "f", ""
	made.Strict, made.Definer, made.Leakproof, made.Config = false, false, false, nil
	v.Schema.Function = &made
	return v
}

// AfterUndo implements Predictor.
func (s EnsureFunction) AfterUndo(v View) View { return v }

// AfterApply implements Predictor.
func (s GrantExecute) AfterApply(v View) View {
	if v.Schema.Function != nil {
		f := *v.Schema.Function
		f.Unprivileged = nil
		v.Schema.Function = &f
	}
	return v
}

// AfterUndo implements Predictor.
func (s GrantExecute) AfterUndo(v View) View { return v }

// Source returns md5(pg_proc.prosrc) of rekey's function on a major version of the server.
func (s EnsureFunction) Source(major int) string { return md5Hex(body(major)) }

// WithInvalidIndexes returns a copy of a table in which the index of every table that holds rows is invalid, as an
// interrupted build leaves it.
func (t Target) WithInvalidIndexes(root *catalog.Table) *catalog.Table {
	v, _ := t.copyOf(View{Table: root})
	for _, part := range t.Parts(v.Table) {
		for _, table := range v.Table.All() {
			switch i := table.Index(part.Index); {
			case table.OID != part.Table.OID:
			case i != nil:
				i.Valid = false
			default:
				table.Indexes = append(table.Indexes, catalog.Index{Name: part.Index, Columns: part.IndexColumns(), Method: "btree", Unique: true})
			}
		}
	}
	return v.Table
}
