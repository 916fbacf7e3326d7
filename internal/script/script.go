// Package script writes a plan as SQL for environments in which no binary may run: one script for psql, one statement per
// file for golang-migrate, one file for goose, or one module for Ecto.
//
// The steps of a plan report what is missing now. A script needs every statement from now to the end, so each step is
// asked with a predicted view: the database as the steps before it will leave it. Each statement has a condition on the
// catalogue, so a script that was interrupted anywhere can be run again. The package has no side effects.
package script

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// Format is the program that runs the script.
type Format string

// The formats.
const (
	Psql    Format = "psql"           // one script for psql
	Migrate Format = "golang-migrate" // files NNN_name.up.sql and NNN_name.down.sql, one statement in each
	Goose   Format = "goose"          // one file with NO TRANSACTION
	Ecto    Format = "ecto"           // one migration module for an Elixir application
)

// Formats returns all formats.
func Formats() []Format { return []Format{Psql, Migrate, Goose, Ecto} }

// File is one file of a script.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Filling describes how the rows of one table are filled.
type Filling struct {
	Key     string // the integer key by which the table is split into ranges; empty: ranges of pages
	ByTuple bool   // every possible tuple address of a page is listed: PostgreSQL 13 has no TID range scan
	Region  int64  // size of a region in pages, or in rows where Key is set
	Batch   int64  // size of the first transaction, in the same unit
	Reason  string // why the rows are filled this way, for the reader of the script
	Waves   []int  // upper bound of each wave, in 1024ths of the rows
	// Of an edge, whose rows get the uuids of their parents: the SQL expression of the value, the condition of rows that are to
	// be filled, and a condition that nearly only such rows meet. The table is t in them.
	Value, Pending, Likely string
}

// Options are the format of a script and the settings of its procedures.
type Options struct {
	Format           Format
	FirstNumber      int           // number of golang-migrate's first file, of goose's file and of Ecto's. Default: 1
	Module           string        // name of Ecto's module. Default: derived from the direction and the schema
	LockTimeout      time.Duration // lock_timeout of each attempt to take a lock that other sessions queue for
	LockRetryTimeout time.Duration // how long attempts are repeated in all
	BatchTime        time.Duration // intended duration of one transaction of the filling
	PauseFactor      float64       // pause after a batch, as a multiple of the batch's duration
	Filling          func(plan.Group, step.Target) Filling
}

// Make writes the script of a plan. It returns no file if the plan has nothing to do. An error is a bug in rekey, such
// as a step that does not predict its effect, or a name that the format cannot contain.
func Make(p plan.Plan, o Options) ([]File, error) {
	if p.VerifyOnly || !p.Pending() {
		return nil, nil
	}
	forward, err := write(p, o)
	if err != nil {
		return nil, err
	}
	if o.Format == Psql {
		return forward.psql(), nil
	}
	var reverse *script
	if p.Direction == plan.Up && !forward.aboveTarget() {
		if reverse, err = write(forward.reversed(), o); err != nil {
			return nil, err
		}
	}
	switch o.Format {
	case Migrate:
		return migrateFiles(forward, reverse), nil
	case Ecto:
		return ecto(forward, reverse), nil
	default:
		return goose(forward, reverse)
	}
}

// aboveTarget reports whether the recorded version is above the one at which up ends. Later migrations depend on the
// columns, so down refuses such a version.
func (m *script) aboveTarget() bool { return m.plan.Versioned() && m.plan.Version > m.plan.To }

// noReverse explains why a script has no reverse direction, and what to run instead.
func (m *script) noReverse() string {
	if m.plan.Direction == plan.Up {
		return fmt.Sprintf("This script cannot be reversed. To go back, migrate the schema down to version %d, then run a script of rekey sql down.", m.plan.To)
	}
	return "To reverse this script, run rekey up, or a script of rekey sql up."
}

// script holds the statements of a plan before they are written in a format.
type script struct {
	plan       predicted
	o          Options
	statements []statement
}

// number returns the number of a format's n-th file, counted from 0.
func (o Options) number(n int) string { return fmt.Sprintf("%06d", max(o.FirstNumber, 1)+n) }

// fileName turns a database name into a part of a file name.
func fileName(name string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out.WriteRune(r)
		case !strings.HasSuffix(out.String(), "_"):
			out.WriteByte('_')
		}
	}
	const longest = 60
	text := strings.Trim(out.String(), "_")
	if text == "" {
		return "x"
	}
	return text[:min(len(text), longest)]
}
