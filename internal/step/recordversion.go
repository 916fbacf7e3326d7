package step

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// RecordVersion writes the version into the comment on the profile's version table. It is the last step of up and the
// first of down, so that the recorded version is never higher than the real one.
type RecordVersion struct {
	Schema, Table string
	From, To      int
}

// ID implements Step.
func (s RecordVersion) ID() ID { return ID(s.Schema + "/record-version") }

// Explain implements Step.
func (s RecordVersion) Explain() Explanation {
	return Explanation{
		What:     fmt.Sprintf("record version %d as the comment on %s.%s", s.To, s.Schema, s.Table),
		Undo:     fmt.Sprintf("record version %d as the comment on %s.%s", s.From, s.Schema, s.Table),
		Why:      "only when every existing table is complete",
		Lock:     changeWords(s.locks()),
		Scans:    "nothing",
		UndoneBy: ByItself,
	}
}

// Check implements Step. A later migration recorded a version above To; it stays.
func (s RecordVersion) Check(v View) Outcome {
	version, ok := Version(v.Table)
	return outcomeIf(ok && version >= s.To, fmt.Sprintf("version %d is recorded", version))
}

// Apply implements Step.
func (s RecordVersion) Apply(v View) []Action {
	if s.Check(v).Done {
		return nil
	}
	return s.record(s.To)
}

// Undo implements Step.
func (s RecordVersion) Undo(v View) []Action {
	if version, ok := Version(v.Table); !ok || version != s.To {
		return nil
	}
	return s.record(s.From)
}

// Rows implements Step.
func (RecordVersion) Rows() RowReader { return nil }

func (s RecordVersion) record(version int) []Action {
	return []Action{Change{Locks: s.locks(), Statements: []string{
		sqltext.Format("COMMENT ON TABLE {} IS {}", s.name(), sqltext.Value(strconv.Itoa(version))),
	}}}
}

func (s RecordVersion) locks() []lock.Lock {
	return []lock.Lock{lock.On(s.name(), lock.ShareUpdateExclusive)}
}

// Version returns the version in the comment on a version table. ok is false if the comment is not a number.
func Version(table *catalog.Table) (version int, ok bool) {
	if table == nil || table.Comment == nil {
		return 0, false
	}
	version, err := strconv.Atoi(strings.TrimSpace(*table.Comment))
	return version, err == nil
}

// AfterApply implements Step.
func (s RecordVersion) AfterApply(v View) View { return s.recorded(v, len(s.Apply(v)) > 0, s.To) }

// AfterUndo implements Step.
func (s RecordVersion) AfterUndo(v View) View { return s.recorded(v, len(s.Undo(v)) > 0, s.From) }

func (s RecordVersion) recorded(v View, changed bool, version int) View {
	if changed && v.Table != nil {
		table := *v.Table
		table.Comment = optional(strconv.Itoa(version))
		v.Table = &table
	}
	return v
}

// ApplyScript implements Step.
func (s RecordVersion) ApplyScript(v View) []Statement {
	before, _ := Version(v.Table)
	return s.script(s.Apply(v), s.Explain().What, before)
}

// UndoScript implements Step.
func (s RecordVersion) UndoScript(v View) []Statement {
	return s.script(s.Undo(v), s.Explain().Undo+", first, so that the recorded version is never ahead of the tables", s.To)
}

// script returns the statement that records a version in place of the one before.
func (s RecordVersion) script(actions []Action, what string, before int) []Statement {
	record := onlyOne(actions)
	if record == nil {
		return nil
	}
	return []Statement{scripted(record, "record_version", what, condition.VersionIs(s.name(), before))}
}

func (s RecordVersion) name() sqltext.Table { return sqltext.Table{Schema: s.Schema, Name: s.Table} }
