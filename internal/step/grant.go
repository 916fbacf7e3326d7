package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// GrantExecute lets every role that may INSERT into one of the tables call the default's function.
// Without it their inserts would fail from the moment the default is set, wherever functions are
// revoked from PUBLIC.
type GrantExecute struct{ Schema string }

// ID implements Step.
func (s GrantExecute) ID() ID { return ID(s.Schema + "/grant-execute") }

// Explain implements Step.
func (s GrantExecute) Explain() Explanation {
	return Explanation{
		What:   "grant EXECUTE on the function to the roles that may INSERT and lack it",
		Undo:   "nothing: the grants stay with the function",
		Why:    "an INSERT that leaves the column out calls the function as the inserting role",
		Lock:   "none on any table",
		Scans:  "nothing",
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

// Apply implements Step. While the function is missing nobody knows whom default privileges will
// leave out, so there is nothing to say yet.
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

// Public is how a list of roles names the pseudo-role PUBLIC; it is no legal role name.
const Public = "PUBLIC"

// GrantSQL is the statement that lets a role call a function without arguments.
func GrantSQL(schema, function, role string) string {
	to := sqltext.Ident(role)
	if role == Public {
		to = "PUBLIC"
	}
	return sqltext.Format("GRANT EXECUTE ON FUNCTION {}() TO ", sqltext.Table{Schema: schema, Name: function}) + to
}
