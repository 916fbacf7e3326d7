package step

import (
	"slices"
	"strconv"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Foreseer is a step that can tell, without a server, what the database looks like when all of its
// actions have been run. So the statements of a whole plan can be written down before the first of
// them is run; nothing that runs a plan asks for it.
type Foreseer interface {
	Step
	// Applied gives the view after Apply's actions, Undone that after Undo's. The view that comes in is
	// not changed.
	Applied(v View) View
	Undone(v View) View
}

// with gives a view whose table may be changed, and the target's column in it, which may be nil.
func (t Target) with(v View) (View, *catalog.Column) {
	if v.Table == nil {
		return v, nil
	}
	table := *v.Table
	table.Columns = slices.Clone(table.Columns)
	table.Indexes = slices.Clone(table.Indexes)
	table.Constraints = slices.Clone(table.Constraints)
	v.Table = &table
	return v, table.Column(t.Column)
}

func (t Target) withoutIndex(table *catalog.Table) {
	table.Indexes = slices.DeleteFunc(table.Indexes, func(i catalog.Index) bool { return i.Name == t.Index })
}

func (t Target) withoutCheck(table *catalog.Table) {
	table.Constraints = slices.DeleteFunc(table.Constraints, func(c catalog.Constraint) bool { return c.Name == t.Check })
}

// call is the target's default as it is compared; its text stands for the one that PostgreSQL writes.
func (t Target) call(c *catalog.Column) {
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
func (s AddColumn) Applied(v View) View {
	origin, _ := s.Target.Read(v.Table)
	before := v
	v, c := s.Target.with(v)
	switch origin {
	case Absent:
		made := catalog.Column{Name: s.Target.Column, Type: "uuid", Comment: optional(s.Target.madeComment(nil))}
		s.Target.call(&made)
		v.Table.Columns = append(v.Table.Columns, made)
		v.Unfilled = true
	case Foreign:
		if len(s.Apply(before)) == 0 {
			return before // somebody else's, and whole
		}
		c.Comment = optional(s.Target.foundComment(c.Comment, s.asFound(c, before)))
		s.Target.call(c)
	default:
		s.Target.call(c)
	}
	return v
}

// Undone implements Foreseer.
func (s AddColumn) Undone(v View) View {
	origin, as := s.Target.Read(v.Table)
	v, c := s.Target.with(v)
	switch origin {
	case Made:
		s.Target.withoutIndex(v.Table)
		v.Table.Columns = slices.DeleteFunc(v.Table.Columns, func(c catalog.Column) bool { return c.Name == s.Target.Column })
	case Found:
		c.Comment, c.Default, c.Calls = optional(plainComment(c)), as.Default, ""
	case Absent, Foreign: // there is nothing to take away
	}
	return v
}

// Applied implements Foreseer.
func (s FillColumn) Applied(v View) View {
	v, _ = s.Target.with(v)
	if v.Unfilled {
		s.Target.withoutCheck(v.Table)
	}
	v.Unfilled = false
	return v
}

// Undone implements Foreseer.
func (s FillColumn) Undone(v View) View { return v }

// Applied implements Foreseer.
func (s BuildIndex) Applied(v View) View {
	if s.Check(v).Done {
		return v
	}
	v, _ = s.Target.with(v)
	s.Target.withoutIndex(v.Table)
	v.Table.Indexes = append(v.Table.Indexes, catalog.Index{
		Name: s.Target.Index, Columns: []string{s.Target.Column}, Method: "btree",
		Unique: true, Immediate: true, Valid: true, Ready: true,
	})
	return v
}

// Undone implements Foreseer.
func (s BuildIndex) Undone(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, _ = s.Target.with(v)
	s.Target.withoutIndex(v.Table)
	return v
}

// Applied implements Foreseer.
func (s RequireValue) Applied(v View) View {
	v, c := s.Target.with(v)
	s.Target.withoutCheck(v.Table)
	if c != nil {
		c.NotNull, c.Unproved = true, false
	}
	return v
}

// Undone implements Foreseer.
func (s RequireValue) Undone(v View) View {
	origin, as := s.Target.Read(v.Table)
	v, c := s.Target.with(v)
	s.Target.withoutCheck(v.Table)
	if origin == Found && as.Nullable {
		c.NotNull = false
	}
	return v
}

// Applied implements Foreseer.
func (s Settle) Applied(v View) View {
	if s.Check(v).Done {
		return v
	}
	v, c := s.Target.with(v)
	if c != nil {
		c.Comment = optional(s.Target.finishedComment(c))
	}
	return v
}

// Undone implements Foreseer.
func (s Settle) Undone(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, c := s.Target.with(v)
	c.Comment = optional(s.Target.madeComment(c.Comment))
	return v
}

// Applied implements Foreseer.
func (s RecordVersion) Applied(v View) View { return s.recorded(v, len(s.Apply(v)) > 0, s.To) }

// Undone implements Foreseer.
func (s RecordVersion) Undone(v View) View { return s.recorded(v, len(s.Undo(v)) > 0, s.From) }

func (s RecordVersion) recorded(v View, changed bool, version int) View {
	if changed && v.Table != nil {
		table := *v.Table
		table.Comment = optional(strconv.Itoa(version))
		v.Table = &table
	}
	return v
}

// Applied implements Foreseer.
func (s EnsureFunction) Applied(v View) View {
	if s.Check(v).Done {
		return v
	}
	made := catalog.Function{Schema: s.Schema, Name: FunctionName, Owned: true, Own: true}
	if v.Schema.Function != nil {
		made = *v.Schema.Function
	}
	made.SourceMD5, made.Returns, made.Language = sum(body(v.Server.Major())), "uuid", "sql"
	made.Volatile, made.ParallelSafe = true, true
	v.Schema.Function = &made
	return v
}

// Undone implements Foreseer.
func (s EnsureFunction) Undone(v View) View { return v }

// Applied implements Foreseer.
func (s GrantExecute) Applied(v View) View {
	if v.Schema.Function != nil {
		f := *v.Schema.Function
		f.Unprivileged = nil
		v.Schema.Function = &f
	}
	return v
}

// Undone implements Foreseer.
func (s GrantExecute) Undone(v View) View { return v }

// Source is the md5 of the function's source on a major version of the server, as pg_proc has it.
func (s EnsureFunction) Source(major int) string { return sum(body(major)) }
