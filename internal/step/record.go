package step

import "github.com/rekey-pg/rekey/internal/sqltext"

// Record is what the journal keeps of a change of a column. The two are committed together.
type Record struct {
	Kind   RecordKind
	Table  sqltext.Table
	Column string
	// Relation and Number identify a column that exists before the change, by the table's oid; 0 for another one.
	Relation uint32
	Number   int
}

// RecordKind says what the journal does.
type RecordKind int

// The kinds of records.
const (
	SaveCutoff     RecordKind = iota + 1 // save the time at which the column got its default
	SaveNoOriginal                       // save that the column did not exist before up
	DeleteCutoff                         // delete the cutoff, before the column or its default is dropped
)
