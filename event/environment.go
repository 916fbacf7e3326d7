package event

import (
	"encoding/json"
	"time"
)

// Environment reports, after RunStarted, the options of the run and the database as it was, for a later report. A run that is
// refused or has nothing to do reports it before its Result, without tables. It contains no connection string, no password and
// no text of a query.
type Environment struct {
	// Program is the version of rekey.
	Program string `json:"program"`
	// Server is the version of PostgreSQL, such as "15.18".
	Server string `json:"server"`
	// Database is the name of the database.
	Database string `json:"database"`
	// Role is the role that rekey connects as.
	Role string `json:"role"`
	// Phase is the phase to reach, "" for the default.
	Phase string `json:"phase,omitempty"`
	// Options lists the options that were given, by the names of the command's flags, and the defaults that bound waits and speed.
	Options []Option `json:"options"`
	// Settings lists the server's settings that decide how a run behaves, by name.
	Settings []Setting `json:"settings"`
	// Tables lists the tables of the plan, before the run.
	Tables []TableSize `json:"tables"`
}

// Option is an option of a run.
type Option struct {
	// Name is the name of the command's flag, without dashes.
	Name string `json:"name"`
	// Value is the value as a user writes it. A value that may contain a secret is replaced by a note.
	Value string `json:"value"`
	// Default is true if the option was not given.
	Default bool `json:"default,omitempty"`
}

// Setting is a setting of the server.
type Setting struct {
	// Name is the name of the setting.
	Name string `json:"name"`
	// Value is the value, with its unit.
	Value string `json:"value"`
}

// TableSize is the size of a table.
type TableSize struct {
	// Table is the schema-qualified name.
	Table string `json:"table"`
	// Rows is the catalogue's estimate of the rows.
	Rows int64 `json:"rows"`
	// Bytes is the size of the table without its indexes, in bytes.
	Bytes int64 `json:"bytes"`
	// State is the state of the table before the run: pending, incomplete or complete.
	State string `json:"state,omitempty"`
}

// Verified reports what a verification found after the run.
type Verified struct {
	// OK is true if there are no differences.
	OK bool `json:"ok"`
	// Report is the document of `rekey verify --json`, or null if the tables could not be verified.
	Report json.RawMessage `json:"report"`
	// Problem says why the tables could not be verified, or "".
	Problem string `json:"problem,omitempty"`
	// Elapsed is the time that the verification took.
	Elapsed time.Duration `json:"elapsed_ns"`
}
