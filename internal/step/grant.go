package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// GrantExecute grants EXECUTE on the default's function to every role that may INSERT into one of the tables. Where
// EXECUTE is revoked from PUBLIC, their inserts would otherwise fail as soon as the default is set.
type GrantExecute struct{ Schema string }

// ID implements Step.
func (s GrantExecute) ID() ID { return ID(s.Schema + "/grant-execute") }

// Explain implements Step.
func (s GrantExecute) Explain() Explanation {
	return Explanation{
		What:     "grant EXECUTE on the function to the roles that may INSERT but not call it",
		Undo:     "nothing: the grants stay with the function",
		Why:      "an INSERT that leaves the column out calls the function as the inserting role",
		Lock:     lockWords(nil),
		Scans:    "nothing",
		UndoneBy: Never,
	}
}

// Check implements Step.
func (s GrantExecute) Check(v View) Outcome {
	f := v.Schema.Function
	if f == nil {
		return pending("the function is missing")
	}
	return outcomeIf(len(f.Unprivileged) == 0, "no EXECUTE for "+strings.Join(f.Unprivileged, ", "))
}

// Apply implements Step. It returns nothing while the function is missing: the default privileges decide who may call it.
func (s GrantExecute) Apply(v View) []Action {
	f := v.Schema.Function
	if f == nil || len(f.Unprivileged) == 0 {
		return nil
	}
	change := Change{}
	for _, role := range f.Unprivileged {
		change.Statements = append(change.Statements, GrantSQL(f.Schema, f.Name, role))
	}
	return []Action{change}
}

// Undo implements Step.
func (s GrantExecute) Undo(View) []Action { return nil }

// Rows implements Step.
func (GrantExecute) Rows() RowReader { return nil }

// Public is the pseudo-role PUBLIC in a list of roles. No role can have this name.
const Public = "PUBLIC"

// GrantSQL returns the statement that grants EXECUTE on a function without arguments to a role, or to Public.
func GrantSQL(schema, function, role string) string {
	to := sqltext.Ident(role)
	if role == Public {
		to = "PUBLIC"
	}
	return sqltext.Format("GRANT EXECUTE ON FUNCTION {}() TO ", sqltext.Table{Schema: schema, Name: function}) + to
}

// AfterApply implements Step.
func (s GrantExecute) AfterApply(v View) View {
	if v.Schema.Function != nil {
		f := *v.Schema.Function
		f.Unprivileged = nil
		v.Schema.Function = &f
	}
	return v
}

// AfterUndo implements Step.
func (s GrantExecute) AfterUndo(v View) View { return v }

// ApplyScript implements Step. Which roles lack the right is unknown until the function exists, so that the statement finds
// them.
func (s GrantExecute) ApplyScript(v View) []Statement {
	e := s.Explain()
	return []Statement{{
		Name: "grant_execute", What: e.What + "; " + e.Why, Lock: lockWords(nil), Scans: "the catalogue",
		Block: condition.Grant(sqltext.Table{Schema: s.Schema, Name: FunctionName}, v.Targets),
	}}
}

// UndoScript implements Step.
func (s GrantExecute) UndoScript(View) []Statement { return nil }
