package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
)

// Code is a function of the database that the run executes or makes the default of a column, and the role whose rights
// it gets. PostgreSQL's own functions are not listed.
type Code struct {
	Runs    string   // the function: "function app.f(text)"
	Owner   string   // the function's owner
	Use     Use      // how the run uses it
	Callers []string // what calls it: "constraint present on table app.t", "event trigger audit"
	As      string   // the role that it runs as; "" for a default, which runs as the inserting role
	Why     string   // why it may run: "--trust-owner app", or which rights its owner has
}

// Use is what a run does with code.
type Use string

// The uses of code.
const (
	Fired     Use = "event trigger" // a statement of the run fires it
	Updated   Use = "update"        // reading, altering or updating a table calls it
	Proved    Use = "proof"         // called in a read-only transaction to check that it returns UUIDv7
	Defaulted Use = "default"       // the default of the uuid columns
)

// code returns the functions that the run executes as its role, and the one that becomes the default. Refused code is
// not in the list, since it does not run.
func (p Plan) code(s Input) []Code {
	if !p.Pending() {
		return nil
	}
	role := s.Server.Role
	var list []Code
	events, _ := trust.Events(role, s.Server.EventTriggers)
	for _, e := range events {
		list = addCode(list, Code{
			Runs: "function " + e.Function, Owner: e.Owner, Use: Fired, Callers: []string{"event trigger " + e.Name}, As: role.Name, Why: trustReason(role, e.HeldBy()),
		})
	}
	for _, g := range p.Groups {
		found := p.workload(g)
		table := s.Schema.Named(g.Table)
		if !found.work || table == nil {
			continue
		}
		allowed, _ := trust.Code(role, codeOf(s.Schema, table, len(found.fills) > 0))
		for _, c := range allowed {
			by := c.Owner
			if c.Fault != "" {
				by = c.Holder // the owner of the expression is responsible for what PostgreSQL's own functions do in it
			}
			list = addCode(list, Code{Runs: c.Runs, Owner: c.Owner.Name, Use: Updated, Callers: []string{c.Where}, As: role.Name, Why: trustReason(role, by)})
		}
	}
	if p.Direction == Up && p.Function() {
		list = append(list, p.functionCode(s)...)
	}
	return list
}

// functionCode returns the entries of the default's function: a new one belongs to the role, a replaced one keeps its owner.
func (p Plan) functionCode(s Input) []Code {
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
	return []Code{{Runs: name, Owner: f.Owner, Use: Proved, Callers: []string{}, As: role.Name, Why: trustReason(role, f.HeldBy())}, one}
}

// addCode adds code to a list, or its caller to the entry of the same code.
func addCode(list []Code, c Code) []Code {
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

// trustReason returns why an owner's code may run as the role.
func trustReason(role catalog.Role, owner catalog.Owner) string {
	switch {
	case owner.Name == role.Name:
		return "its own"
	case slices.Contains(role.Trusts, owner.Name):
		return "--trust-owner " + owner.Name
	default:
		return owner.Name + " has the rights of " + role.Name
	}
}
