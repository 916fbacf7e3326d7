// Package verify counts the rows of migrated tables and compares the result with the goal.
package verify

import (
	"github.com/rekey-pg/rekey/problem"
)

// Report is the result of a verification.
type Report struct {
	Profile     string
	SchemaName  string
	Version     int // recorded version; 0 without a profile
	OK          bool
	Function    FunctionReport
	Tables      []TableReport
	Keys        []KeyReport  // of the primary keys that up has begun to switch
	Edges       []EdgeReport // of the edges that have a uuid column
	Absent      []string     // tables of the profile that do not exist
	Skipped     problem.List // why tables were skipped
	Integrity   *Integrity   // the profile's own rule; nil below the version from which it applies
	Notes       []string     // remarks that are not differences
	Differences []string     // one line each
}

// FunctionReport describes uuid_generate_v7().
type FunctionReport struct {
	Name         string
	Exists       bool
	MakesV7      bool
	Fault        string   // why it does not make UUIDv7
	Library      string   // the library whose own function it is, or ""
	Note         string   // a remark on the library's own function, which depends on an extension
	Unprivileged []string // roles that may insert and lack EXECUTE
	Unneeded     bool     // no table uses the function
}

// TableReport holds the counts of one table.
type TableReport struct {
	Table      string
	OK         bool
	Rows       int64
	Nulls      int64
	Duplicates int64    // values that occur more than once
	NotV7      int64    // values of other versions that are differences
	Kept       int64    // values of other versions that existed before up
	Missing    []string // parts of the goal that the table lacks
	Unique     string   // of a tree: among which rows an index keeps the values unique
	// Random is true if the values were requested to be UUIDv4. NotV4 then counts the values of other versions that
	// are differences.
	Random bool
	NotV4  int64
	Order  *OrderReport  // nil if the table has no order to check
	Copies *CopiesReport // nil for any other table than a reference table of a cluster
}

// CopiesReport compares the copies of a reference table of a Citus cluster: each node has one.
type CopiesReport struct {
	Nodes       int      // with a copy
	Differ      []string // sentences without a period, one for each node whose copy differs from the first node's
	NotCompared string   // why the copies were not compared
}

// OrderReport is the result of one scan of a table in the order of its uuids. Every row is either judged or counted
// under one of the reasons why it is not; if NotJudged is set, no row is judged.
type OrderReport struct {
	Source          string // "column" or "now"; "" if the journal does not record it
	Column          string // the creation-time column; "" with the source "column" is the key only
	Judged          int64
	PairsOutOfOrder int64  // pairs of adjacent judged rows in the wrong order: differences
	TimesDiffer     int64  // judged rows whose uuid differs from the column's time by more than its resolution
	ClampedEarly    int64  // judged rows with a time before 1970
	ClampedLate     int64  // judged rows with a time not before the cutoff
	WithoutTime     int64  // not judged: rows without a time
	New             int64  // not judged: rows that the application inserted after the cutoff
	Found           int64  // not judged: rows whose values may have existed before up
	OtherVersion    int64  // not judged: values that are not UUIDv7
	NotJudged       string // why no row is judged
}
