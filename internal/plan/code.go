package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
)

// Code is code of the database that the run executes, or makes the default of a column, and the role whose rights it
// gets. Code of PostgreSQL itself is left out.
type Code struct {
	Runs    string   `json:"runs"`          // "function app.f(text)"
	Owner   string   `json:"owner"`         // of it
	Use     Use      `json:"use"`           // what becomes of it
	Callers []string `json:"place"`         // what calls it: "constraint present on table app.t", "event trigger audit"
	As      string   `json:"as,omitempty"`  // the role that it runs as; "" of a default, which runs as the role that inserts
	Why     string   `json:"why,omitempty"` // why it may: "--trust-owner app", or what the owner is
}

// Use is what a run does with code.
type Use string

// The uses of code.
const (
	Fired     Use = "event trigger" // a change of the run's fires it
	Updated   Use = "update"        // reading, altering or filling a table calls it
	Proved    Use = "proof"         // called in a read-only transaction to see what it makes
	Defaulted Use = "default"       // of the columns
)

// code lists the code of others that the run executes as its role, and the function that becomes the default. What is
// refused is not in it: it does not run.
func (p Plan) code(s Input) []Code {
	if !p.Pending() {
		return nil
	}
	role := s.Server.Role
	var list []Code
	events, _ := trust.Events(role, s.Server.EventTriggers)
	for _, e := range events {
		list = gather(list, Code{
			Runs: "function " + e.Function, Owner: e.Owner, Use: Fired, Callers: []string{"event trigger " + e.Name}, As: role.Name, Why: reason(role, e.HeldBy()),
		})
	}
	for _, g := range p.Groups {
		work, fills := p.work(g)
		table := s.Schema.Relation(g.Table)
		if !work || table == nil {
			continue
		}
		allowed, _ := trust.Code(role, codeOf(s.Schema, table, len(fills) > 0))
		for _, c := range allowed {
			by := c.Owner
			if c.Fault != "" {
				by = c.Holder // who wrote the expression answers for what it makes PostgreSQL's own do
			}
			list = gather(list, Code{Runs: c.Runs, Owner: c.Owner.Name, Use: Updated, Callers: []string{c.Where}, As: role.Name, Why: reason(role, by)})
		}
	}
	if p.Direction == Up && p.Function() {
		list = append(list, p.codeOfFunction(s)...)
	}
	return list
}

// codeOfFunction says whose the default is; a new one is the role's own, and one that is replaced keeps its owner.
func (p Plan) codeOfFunction(s Input) []Code {
	role, f := s.Server.Role, s.Schema.Function
	name := "function " + s.Schema.Name + "." + step.FunctionName + "()"
	one := Code{Runs: name, Owner: role.Name, Use: Defaulted, Callers: []string{}}
	if f == nil {
		return []Code{one}
	}
	if trust.OfFunction(role, *f) == trust.Untrusted {
		return nil
	}
	one.Owner = f.Owner
	if f.Proof == nil || !step.FunctionCallable(f, s.Server) {
		return []Code{one}
	}
	return []Code{{Runs: name, Owner: f.Owner, Use: Proved, Callers: []string{}, As: role.Name, Why: reason(role, f.HeldBy())}, one}
}

// gather adds code to a list, or its place to the same code.
func gather(list []Code, c Code) []Code {
	for i, other := range list {
		if other.Runs == c.Runs && other.Owner == c.Owner && other.Use == c.Use && other.Why == c.Why {
			if !slices.Contains(other.Callers, c.Callers[0]) {
				list[i].Callers = append(list[i].Callers, c.Callers[0])
			}
			return list
		}
	}
	return append(list, c)
}

// reason says why code of an owner may run as the role.
func reason(role catalog.Role, owner catalog.Owner) string {
	switch {
	case owner.Name == role.Name:
		return "its own"
	case slices.Contains(role.Trusts, owner.Name):
		return "--trust-owner " + owner.Name
	default:
		return owner.Name + " has the rights of " + role.Name
	}
}
