// Package script writes a plan down as SQL, for those who may not run a binary: one script for psql,
// one statement per file for golang-migrate, one file for goose, or one module for Ecto.
//
// A plan's steps say what is missing now. A script needs all statements from now to the end, so that each
// step is asked in a view that is foreseen: what the database looks like when the steps before it are
// done. Each statement stands behind a condition on the catalogue, so that a script that was cut short
// anywhere goes on when it is run again. The package is pure.
package script

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// Format is who is to run the script.
type Format string

// The formats.
const (
	Psql    Format = "psql"           // one script
	Migrate Format = "golang-migrate" // files NNN_name.up.sql and NNN_name.down.sql, a statement each
	Goose   Format = "goose"          // one file with NO TRANSACTION
	Ecto    Format = "ecto"           // one migration module for an Elixir host
)

// Formats are all there are.
func Formats() []Format { return []Format{Psql, Migrate, Goose, Ecto} }

// File is one file of a script.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Filling says how the rows of one table are filled.
type Filling struct {
	Key     string // the integer key whose ranges are walked; "" is ranges of pages
	ByTuple bool   // pages are visited by every possible address
	Region  int64  // pages, or rows where keys are walked
	Batch   int64  // the same, of the first transaction
	Reason  string // why so, for a reader
	Waves   []int  // upper bounds in 1024ths of the rows
}

// Options are what the script is to keep to.
type Options struct {
	Format           Format
	FirstNumber      int           // the number of the first file for golang-migrate, and goose's and Ecto's; 1 if zero
	Module           string        // the name of Ecto's module; made of the direction and the schema if empty
	LockTimeout      time.Duration // a lock that others queue behind is waited for no longer, a try
	LockRetryTimeout time.Duration // and tried for no longer in all
	BatchTime        time.Duration // that a transaction of the filling aims at
	PauseFactor      float64       // the pause after a batch, in times of what that took
	Filling          func(plan.Group, step.Target) Filling
}

// Make writes the plan down. A plan with nothing to do gives no file. The error is a fault of the
// program: a step that does not foresee what it does, or a name that a format cannot carry.
func Make(p plan.Plan, o Options) ([]File, error) {
	if p.VerifyOnly || !p.Pending() {
		return nil, nil
	}
	there, err := write(p, o)
	if err != nil {
		return nil, err
	}
	if o.Format == Psql {
		return there.psql(), nil
	}
	var back *manuscript
	if p.Direction == plan.Up && !there.beyond() {
		if back, err = write(there.plan.back(there.plan.schema), o); err != nil {
			return nil, err
		}
	}
	switch o.Format {
	case Migrate:
		return migrateFiles(there, back), nil
	case Ecto:
		return ecto(there, back), nil
	default:
		return goose(there, back)
	}
}

// beyond reports whether the kit is at a version above the one that up ends at: its later migrations lean on the columns, and
// down refuses there.
func (m *manuscript) beyond() bool { return !m.free() && m.plan.Version > m.plan.To }

// noWayBack says where a script without a way back leaves its reader.
func (m *manuscript) noWayBack() string {
	if m.plan.Direction == plan.Up {
		return fmt.Sprintf("The way back begins at version %d: bring the kit down to it first, then run a script of rekey sql down.", m.plan.To)
	}
	return "The way back from here is rekey up, or a script of it."
}

// manuscript is a plan's statements before they are put into a format.
type manuscript struct {
	plan   planned
	o      Options
	pieces []piece
}

// number is that of a format's n-th file, from 0.
func (o Options) number(n int) string { return fmt.Sprintf("%06d", max(o.FirstNumber, 1)+n) }

// plain makes a part of a file's name of a name in the database.
func plain(name string) string {
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
