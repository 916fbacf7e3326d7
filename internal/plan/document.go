package plan

import "github.com/rekey-pg/rekey/internal/step"

// TimeCounts counts the rows of a table whose times cannot be used as they are.
type TimeCounts struct {
	Rows  int64 // all rows
	Null  int64 // without a time
	Early int64 // before 1970
	Late  int64 // not before now, or infinite
}

// FillDescription describes the backfill of one table.
type FillDescription struct {
	SQL    []string    // the statements of a batch
	Choice string      // regions, waves and batches, and why
	Times  *TimeCounts // nil if they were not counted
}

// FillDescriber returns the description of the backfill of a table.
type FillDescriber func(Group, step.Target) FillDescription
