package catalog

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Trigger is a trigger that PostgreSQL did not make itself. The fields after Function are read only if the request asks for
// edges.
type Trigger struct {
	Name     string
	Enabled  string // O origin and local, D disabled, R replica, A always
	OnUpdate bool
	Of       []string // the columns of UPDATE OF; nil if an update of any column fires it
	Function string

	OID        uint32
	Row        bool // FOR EACH ROW
	Before     bool
	InsteadOf  bool // neither Before nor InsteadOf is AFTER
	OnInsert   bool
	OnDelete   bool
	OnTruncate bool
	Constraint bool // CONSTRAINT TRIGGER
	Deferrable bool
	Deferred   bool   // INITIALLY DEFERRED
	When       string // the condition of WHEN, with parentheses; "" without one
	Definition string // pg_get_triggerdef
	Above      uint32 // oid of the partitioned table's trigger that it copies; 0 if it copies none
	Comment    *string

	// Written are the transactions that wrote the trigger and its function: another value shows that one was altered since, even if
	// it is as before.
	Written string

	FunctionOID                  uint32
	FunctionSchema, FunctionName string
	FunctionOwner                string
	OwnerBecomes                 bool     // of the function's owner: see Owner.Becomes
	Definer                      bool     // the function is SECURITY DEFINER
	Config                       []string // the function's SET clauses
	Source                       string   // md5 of prosrc in UTF-8
	Public                       bool     // a role other than its owner may execute the function
	Volatile                     bool     // the function is VOLATILE, so that it sees what its statement has written
}

// TriggerFunction is a function without arguments that has the name of an edge's.
type TriggerFunction struct {
	Schema, Name string
	Owner        string
	Superuser    bool   // the owner is one
	Trigger      bool   // it returns trigger
	Comment      string // "" without one
	Used         string // a table whose trigger calls it; "" if none does
}

// Calls returns the name of the trigger's function.
func (t Trigger) Calls() sqltext.Table {
	return sqltext.Table{Schema: t.FunctionSchema, Name: t.FunctionName}
}

// Trigger returns the trigger with a name; nil if there is none.
func (t Table) Trigger(name string) *Trigger {
	for i := range t.Triggers {
		if t.Triggers[i].Name == name {
			return &t.Triggers[i]
		}
	}
	return nil
}

// OfEdge reports whether the trigger has the name of one that rekey makes for an edge.
func (t Trigger) OfEdge() bool { return strings.HasPrefix(t.Name, "~rekey") }

// FiresOnUpdateOf reports whether an update of the column fires the trigger if it is enabled.
func (t Trigger) FiresOnUpdateOf(column string) bool {
	return t.OnUpdate && (len(t.Of) == 0 || slices.Contains(t.Of, column))
}

// FiringTriggers returns the names of the application's triggers that an update of the column fires, in a session with
// session_replication_role = replica or in an ordinary one. Triggers of edges do nothing when another column is filled. Source: PostgreSQL's manual, ALTER TABLE, ENABLE TRIGGER.
func (t Table) FiringTriggers(column string, replica bool) []string {
	enabled := "O"
	if replica {
		enabled = "R"
	}
	var names []string
	for _, trigger := range t.Triggers {
		if !trigger.OfEdge() && trigger.FiresOnUpdateOf(column) && (trigger.Enabled == enabled || trigger.Enabled == "A") {
			names = append(names, trigger.Name)
		}
	}
	return names
}

// FiringAfter returns the names of the BEFORE ROW triggers of INSERT or UPDATE that fire after one with a name, and that
// are not disabled. PostgreSQL fires the triggers of one kind in the byte order of their names.
func (t Table) FiringAfter(name string) []string {
	var names []string
	for _, trigger := range t.Triggers {
		if trigger.Row && trigger.Before && (trigger.OnInsert || trigger.OnUpdate) && trigger.Enabled != "D" && trigger.Name > name {
			names = append(names, trigger.Name)
		}
	}
	return names
}
