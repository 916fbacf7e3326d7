// Package forecast predicts what a run costs: time, WAL, sizes, the peak of the disk and the share of heap-only updates; and it
// names the risks. It is pure: package inspect reads what it needs, and tables of the benchmark gave the constants.
package forecast

import (
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// Table is a table before the run, or one table of a tree.
type Table struct {
	Name    string  // schema-qualified
	Rows    float64 // without dead ones
	Pages   float64 // of the main fork
	Width   float64 // bytes of a row on its page, without its line pointer
	Data    float64 // bytes of a row up to the end of its last value; Width is this, aligned
	Free    float64 // bytes of a page that an update can use once its dead rows are pruned, on average
	Fill    float64 // percent of a page that new rows use: its fillfactor
	Bytes   int64   // with TOAST and the maps, without indexes
	Indexes []Index
	// Unlogged says that changes are not written to the WAL, OldRow that the WAL also has the old row: REPLICA IDENTITY FULL.
	Unlogged, OldRow bool
}

// Index is an index of a table.
type Index struct {
	Bytes     float64
	Entry     float64 // bytes of an entry, without its line pointer
	Holds     bool    // it has the column that is filled
	Scattered bool    // neighbouring rows have entries on different pages
}

// Group is what a run does to one table, one reference or one primary key: an element of the plan.
type Group struct {
	Name string // as in the events
	Work []Work
}

// Work is what a group does to one table. The parts of a run see the table as the parts before them left it.
type Work struct {
	Table  string  // the name of a Table
	Fill   *Fill   // nil if no row is filled
	Builds []Build // indexes
	Drops  int64   // bytes of indexes that are dropped
	Scans  int     // reads of the whole table, by VALIDATE CONSTRAINT
	Locked int     // short changes under ACCESS EXCLUSIVE
}

// Writer is how the values of a filling are made.
type Writer int

// The writers.
const (
	ByClock Writer = iota // an expression of the server
	InOrder               // in the order of creation
	ByJoin                // the uuid of the parent
)

// Fill is the filling of a column.
type Fill struct {
	Rows   float64 // rows without a value
	Bounds []int   // of the waves; see backfill.WaveBounds
	Region float64 // pages that go through all waves before the next ones
	Vacuum bool    // VACUUM after each part of a table whose rows all move
	Writer Writer
	// Moves says that no update is heap-only, because an index uses the column.
	Moves bool
}

// Build is the build of an index.
type Build struct {
	Rows  float64
	Entry float64 // bytes of an entry, without its line pointer
}

// Server has the settings that matter, and the speed of the machine.
type Server struct {
	Major             int
	MaxWAL, MinWAL    int64 // max_wal_size and min_wal_size in bytes
	Segment           int64 // bytes
	Checkpoint        time.Duration
	Completion        float64 // checkpoint_completion_target
	FullPages         bool
	Compressed        bool
	MaintenanceMemory int64 // bytes
	WALNow            int64 // bytes of the WAL directory; 0 if the role may not see it
	WALHeld           bool  // a slot without a reader, or an archive that fails, keeps all WAL
	Logical           bool  // wal_level is logical: each update writes the whole row
	MaxHeld           int64 // bytes that max_slot_wal_keep_size lets a slot keep; -1 for all
	Speed             Speed
}

// Speed is how fast the server is compared with the one on which the constants were measured: 2 is half as fast.
type Speed struct {
	Measured  bool          // else the constants of the benchmark hold
	Processor float64       // 1 without a measurement
	Page      time.Duration // to read a page that is not in memory; 0 if it is not known
	Trip      time.Duration // of a statement to the server and back; 0 if it is not known
}

// Cost is what a group, or a run, is expected to cost.
type Cost struct {
	Name        string
	Rows        int64
	Times       map[pace.Speed]time.Duration
	WAL         int64 // bytes
	TableBefore int64 // bytes, without indexes
	TableAfter  int64
	IndexBefore int64 // bytes of the indexes
	IndexAfter  int64
	Sort        int64   // bytes of the largest index build's temporary files
	Peak        int64   // bytes of additional space at the worst time
	HeapOnly    float64 // share of heap-only updates, from 0 to 1
	Checkpoints float64 // that the WAL causes, at pace normal
}

// Before returns the size of the tables and their indexes in bytes before the run.
func (c Cost) Before() int64 { return c.TableBefore + c.IndexBefore }

// After returns the size of the tables and their indexes in bytes after the run.
func (c Cost) After() int64 { return c.TableAfter + c.IndexAfter }

// Forecast is what a run is expected to cost: each group with something to do, and all.
type Forecast struct {
	Groups []Cost
	All    Cost
	Speed  Speed // on which the times are based
}

// Of returns the forecast of groups that run one after the other.
func Of(server Server, tables []Table, groups []Group) Forecast {
	if server.Speed.Processor <= 0 {
		server.Speed.Processor = 1
	}
	run := newRun(server, tables)
	for _, g := range groups {
		run.group(g)
	}
	return run.result()
}
