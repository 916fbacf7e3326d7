// Package verify proves what up has done: reports, and the pure rules that compare.
package verify

import (
	"github.com/rekey-pg/rekey/problem"
)

// Report is the proof: the JSON of `rekey verify --json`.
type Report struct {
	Schema      int            `json:"schema"` // of the JSON
	Profile     string         `json:"profile"`
	Prefix      string         `json:"prefix"`
	Version     int            `json:"version"`
	OK          bool           `json:"ok"`
	Function    FunctionReport `json:"function"`
	Tables      []TableReport  `json:"tables"`
	Absent      []string       `json:"absent"`
	Skipped     problem.List   `json:"skipped,omitempty"`   // why tables were passed over
	Integrity   *Integrity     `json:"integrity,omitempty"` // the kit's own rule; nil below the version that brings it
	Notes       []string       `json:"notes,omitempty"`     // what a reader should know and is no difference
	Differences []string       `json:"differences"`         // every fault, one line each, table first
}

// FunctionReport is what was seen of uuid_generate_v7().
type FunctionReport struct {
	Name         string   `json:"name"`
	Exists       bool     `json:"exists"`
	MakesV7      bool     `json:"makes_v7"`
	Fault        string   `json:"fault,omitempty"`
	Note         string   `json:"note,omitempty"`     // why it is none: the kit's own function, which needs something around it
	Unprivileged []string `json:"unprivileged"`       // roles that insert and lack EXECUTE
	Unneeded     bool     `json:"unneeded,omitempty"` // no table has to do with it
}

// TableReport is what was counted in one table.
type TableReport struct {
	Table      string   `json:"table"`
	OK         bool     `json:"ok"`
	Rows       int64    `json:"rows"`
	Nulls      int64    `json:"nulls"`
	Duplicates int64    `json:"duplicates"` // values that stand more than once
	NotV7      int64    `json:"not_v7"`     // values of another version that are faults
	Kept       int64    `json:"kept"`       // values of another version that were there before up
	Lacks      []string `json:"lacks,omitempty"`
	Unique     string   `json:"unique,omitempty"` // of a tree: among which rows an index keeps the values unique
	// Random says that the values are of version 4, as was asked for; then NotV4 counts those that are not
	// and are faults.
	Random bool         `json:"random,omitempty"`
	NotV4  int64        `json:"not_v4,omitempty"`
	Order  *OrderReport `json:"order,omitempty"` // nil where no order was to be proved
}

// OrderReport is what one scan of a table in the order of its uuids found. Every row is judged, or it is
// counted under one of the reasons why it is not; all are where Why says so.
type OrderReport struct {
	Source   string `json:"source,omitempty"` // column or now; "" where the journal does not know
	Column   string `json:"column,omitempty"` // the creation-time column; "" with source column is the key alone
	Judged   int64  `json:"judged"`
	Pairs    int64  `json:"pairs_out_of_order"`   // of judged neighbours: faults
	Differs  int64  `json:"times_differ"`         // judged, and the uuid tells another time than the column, by more than its resolution
	Early    int64  `json:"clamped_early"`        // judged, and before 1970
	Late     int64  `json:"clamped_late"`         // judged, and not before the moment
	Timeless int64  `json:"without_time"`         // not judged: they stand with a neighbour
	New      int64  `json:"new"`                  // not judged: the application's, younger than the moment
	Found    int64  `json:"found"`                // not judged: they may have been there before
	Other    int64  `json:"other_version"`        // not judged: no UUIDv7
	Why      string `json:"not_judged,omitempty"` // why no row is
}
