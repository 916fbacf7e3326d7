package rekey

import (
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/plan"
)

// Key is the primary key of one table, and what a run does with it.
type Key struct {
	// Table is the table, without the schema.
	Table string `json:"table"`
	// State is what a run does with the key.
	State State `json:"state"`
	// Progress is how far the key is.
	Progress KeyState `json:"progress"`
	// Constraint is the name of the primary key, before and after the switch.
	Constraint string `json:"constraint,omitempty"`
	// Columns are the columns of the primary key of integers.
	Columns []string `json:"columns,omitempty"`
	// UUIDColumns are the columns of the primary key after the switch, in the same order.
	UUIDColumns []string `json:"uuid_columns,omitempty"`
	// UniqueIndex is the name of the index that keeps the integers unique after the switch; "" when they have ended.
	UniqueIndex string `json:"unique_index,omitempty"`
	// Switched is when the key switched, by the server's clock, or nil.
	Switched *time.Time `json:"switched,omitempty"`
	// Missing lists what an incomplete key lacks.
	Missing []string `json:"missing,omitempty"`
	// Component lists the tables that references connect with this one, itself included. They switch together.
	Component []string `json:"component,omitempty"`
	// Why says why the key is skipped or refused.
	Why string `json:"why,omitempty"`
	// Hint says what would help a refused key.
	Hint string `json:"hint,omitempty"`
}

// KeyState is how far a primary key is.
type KeyState string

// The states of a primary key, in order.
const (
	KeyInteger    KeyState = "integer"    // the integers are the primary key
	KeyDoubled    KeyState = "doubled"    // all integer foreign keys use a unique index of their own
	KeyReady      KeyState = "ready"      // the index of the new primary key exists
	KeySwitched   KeyState = "switched"   // the uuids are the primary key
	KeyContracted KeyState = "contracted" // the integers have ended
)

// Hazard is what a run changes for statements of the application.
type Hazard struct {
	// Name is the name by which [Options.Accept] accepts the hazard.
	Name HazardName `json:"name"`
	// What says which statements are concerned and what happens to them.
	What string `json:"what"`
	// Tables are the tables, or the columns, that are concerned.
	Tables []string `json:"tables"`
	// Seen lists functions of the database that may contain such a statement.
	Seen []string `json:"seen,omitempty"`
	// Accepted is true if the caller accepts the hazard.
	Accepted bool `json:"accepted"`
}

// Ending is an integer column that phase [Contracted] drops.
type Ending struct {
	// Column is the column with its table, without the schema.
	Column string `json:"column"`
	// Falls lists the objects that are dropped with the column.
	Falls []string `json:"falls,omitempty"`
	// Lost lists the objects of Falls that have no counterpart on the uuid.
	Lost []string `json:"lost,omitempty"`
	// Reads is the number of scans of its indexes since the switch, before PostgreSQL 16 since the server's statistics
	// were reset. The checks of foreign keys are among them.
	Reads int64 `json:"reads"`
}

// keys returns the primary keys of a plan.
func keys(p plan.Plan) (list []Key) {
	for _, k := range p.PrimaryKeys {
		doc := Key{
			Table: k.Key.Table.Name, State: State(k.State), Progress: KeyState(k.Progress), Constraint: k.Key.Constraint, Columns: k.Key.Columns,
			UUIDColumns: k.Key.UUIDs, UniqueIndex: k.Key.Unique, Missing: k.Missing, Why: k.Why, Hint: k.Hint,
		}
		if at := k.SwitchedAt(); !at.IsZero() {
			doc.Switched = &at
		}
		for _, name := range k.Component {
			doc.Component = append(doc.Component, strings.TrimPrefix(name, p.SchemaName+"."))
		}
		list = append(list, doc)
	}
	return list
}

func hazards(p plan.Plan) (list []Hazard) {
	for _, h := range p.Hazards {
		list = append(list, Hazard{Name: HazardName(h.Name), What: h.What, Tables: h.Tables, Seen: h.Seen, Accepted: h.Accepted})
	}
	return list
}

func endings(p plan.Plan) (list []Ending) {
	for _, e := range p.Endings {
		list = append(list, Ending{Column: nameIn(p, e.Table) + "." + e.Column, Falls: e.Falls, Lost: e.Lost, Reads: e.Reads})
	}
	return list
}
