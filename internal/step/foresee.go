package step

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Foreseer is a step that can tell, without a server, what the database looks like when all of its
// actions have been run. So the statements of a whole plan can be written down before the first of
// them is run; nothing that runs a plan asks for it.
type Predictor interface {
	Step
	// Applied gives the view after Apply's actions, Undone that after Undo's. The view that comes in is
	// not changed.
	AfterApply(v View) View
	AfterUndo(v View) View
}

// with gives a view whose table, and those below it, may be changed, and the target's column in it, which may be nil.
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

// call is the target's default as it is compared; its text stands for the one that PostgreSQL writes.
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

// Applied implements Foreseer.
func (s AddColumn) AfterApply(v View) View {
	origin, _ := s.Target.Read(v.Table)
	before := v
	v, c := s.Target.copyOf(v)
	switch origin {
	case Absent:
		for _, one := range v.Table.All() {
			one.Columns = append(one.Columns, catalog.Column{Name: s.Target.Column, Type: "uuid"})
		}
		v.Table.Column(s.Target.Column).Comment = optional(s.Target.madeComment(nil))
		v.Unfilled, v.Filled = true, nil
	case Untouched:
		if len(s.Apply(before)) == 0 {
			return before // somebody else's, and whole
		}
		c.Comment = optional(s.Target.foundComment(c.Comment, s.foundMark(c, before)))
	case Made, Found:
	}
	for _, one := range v.Table.All() {
		s.Target.setCall(one.Column(s.Target.Column))
	}
	return v
}

// Undone implements Foreseer.
func (s AddColumn) AfterUndo(v View) View {
	origin, as := s.Target.Read(v.Table)
	v, c := s.Target.copyOf(v)
	switch origin {
	case Made:
		v = BuildIndex(s).AfterUndo(v)
		for _, one := range v.Table.All() {
			one.Columns = slices.DeleteFunc(one.Columns, func(c catalog.Column) bool { return c.Name == s.Target.Column })
		}
	case Found:
		c.Comment = optional(plainComment(c))
		for _, one := range v.Table.All() {
			if own := one.Column(s.Target.Column); own != nil {
				own.Default, own.Calls = as.ofTable(one.Schema+"."+one.Name).Default, ""
			}
		}
	case Absent, Untouched: // there is nothing to take away
	}
	return v
}

// Applied implements Foreseer.
func (s FillColumn) AfterApply(v View) View {
	before := v
	v, _ = s.Target.copyOf(v)
	for _, one := range v.Table.All() {
		if !v.Table.IsTree() && before.Unfilled || v.Table.IsTree() && !before.Filled[one.OID] {
			s.Target.withoutCheck(one)
		}
	}
	v.Unfilled, v.Filled = false, map[uint32]bool{}
	for _, one := range v.Table.All() {
		v.Filled[one.OID] = true
	}
	return v
}

// Undone implements Foreseer.
func (s FillColumn) AfterUndo(v View) View { return v }

// Applied implements Foreseer. An index that is not there yet has no oid: one that no other has stands for it.
func (s BuildIndex) AfterApply(v View) View {
	if s.Check(v).Done {
		return v
	}
	v, _ = s.Target.copyOf(v)
	t, joined := s.Target.ForTree(v.Table)
	of := map[uint32]uint32{} // the index of a table
	for n, one := range t.Indexes(v.Table) {
		made := catalog.Index{
			OID: math.MaxUint32 - uint32(n), Name: one.Index, Columns: t.IndexColumns(), Method: "btree",
			Unique: true, Immediate: true, Valid: true, Ready: true,
		}
		if there := one.Table.Index(one.Index); joined && there != nil {
			made.OID = there.OID
		}
		if joined {
			made.Parent, of[one.Table.OID] = of[one.Table.Above], made.OID
		}
		withoutIndex(one.Table, one.Index)
		one.Table.Indexes = append(one.Table.Indexes, made)
	}
	return v
}

// Undone implements Foreseer.
func (s BuildIndex) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	aliases := s.Target.aliases(v.Table)
	v, _ = s.Target.copyOf(v)
	_, as := s.Target.Read(v.Table)
	for _, alias := range aliases {
		withoutIndex(v.Table, alias)
	}
	for _, one := range s.Target.Indexes(v.Table) {
		if !as.ofTable(one.Table.Schema + "." + one.Table.Name).Indexed {
			withoutIndex(one.Table, one.Index)
		}
	}
	return v
}

// Indexes are the tables that get an index of the target's, the upper ones first, as they stand in the view.
func (t Target) Indexes(root *catalog.Table) []Part {
	t, joined := t.ForTree(root)
	parts := t.Parts(root)
	if joined {
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

// Applied implements Foreseer.
func (s RequireValue) AfterApply(v View) View {
	v, _ = s.Target.copyOf(v)
	for _, one := range v.Table.All() {
		s.Target.withoutCheck(one)
		if c := one.Column(s.Target.Column); c != nil {
			c.NotNull, c.Unproved = true, false
		}
	}
	return v
}

// Undone implements Foreseer.
func (s RequireValue) AfterUndo(v View) View {
	origin, as := s.Target.Read(v.Table)
	v, _ = s.Target.copyOf(v)
	allowed := as.allowed(v.Table)
	for _, one := range v.Table.All() {
		if c := one.Column(s.Target.Column); c != nil && origin == Found && allowed[one.OID] {
			c.NotNull = false
		}
		s.Target.withoutCheck(one)
	}
	return v
}

// Applied implements Foreseer.
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

// Undone implements Foreseer.
func (s Settle) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, c := s.Target.copyOf(v)
	c.Comment = optional(s.Target.madeComment(c.Comment))
	return v
}

// Applied implements Foreseer.
func (s RecordVersion) AfterApply(v View) View { return s.recorded(v, len(s.Apply(v)) > 0, s.To) }

// Undone implements Foreseer.
func (s RecordVersion) AfterUndo(v View) View { return s.recorded(v, len(s.Undo(v)) > 0, s.From) }

func (s RecordVersion) recorded(v View, changed bool, version int) View {
	if changed && v.Table != nil {
		table := *v.Table
		table.Comment = optional(strconv.Itoa(version))
		v.Table = &table
	}
	return v
}

// Applied implements Foreseer.
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

// Undone implements Foreseer.
func (s EnsureFunction) AfterUndo(v View) View { return v }

// Applied implements Foreseer.
func (s GrantExecute) AfterApply(v View) View {
	if v.Schema.Function != nil {
		f := *v.Schema.Function
		f.Unprivileged = nil
		v.Schema.Function = &f
	}
	return v
}

// Undone implements Foreseer.
func (s GrantExecute) AfterUndo(v View) View { return v }

// Source is the md5 of the function's source on a major version of the server, as pg_proc has it.
func (s EnsureFunction) Source(major int) string { return md5Hex(body(major)) }

// Broken is a table with each index of those that hold rows as a build that was cut short leaves it.
func (t Target) WithInvalidIndexes(root *catalog.Table) *catalog.Table {
	v, _ := t.copyOf(View{Table: root})
	for _, part := range t.Parts(v.Table) {
		for _, one := range v.Table.All() {
			switch i := one.Index(part.Index); {
			case one.OID != part.Table.OID:
			case i != nil:
				i.Valid = false
			default:
				one.Indexes = append(one.Indexes, catalog.Index{Name: part.Index, Columns: part.IndexColumns(), Method: "btree", Unique: true})
			}
		}
	}
	return v.Table
}
