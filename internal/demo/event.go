package demo

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// Event is one thing that happens in a demo. The types of this file, and Result, are the only ones.
type Event interface{ name() string }

// Began opens a stage of which nothing else is told until its end.
type Began struct {
	Stage string `json:"stage"`
	Text  string `json:"text"`
}

// Found tells which PostgreSQL runs.
type Found struct {
	Version string `json:"version"`
	Bin     string `json:"bin"`
	Origin  string `json:"origin"` // REKEY_PG_BIN, PATH, the system, npm
}

// Built tells of the database.
type Built struct {
	Tables  int           `json:"tables"` // those that are migrated
	Rows    int64         `json:"rows"`   // in them
	Note    string        `json:"note,omitempty"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Flowing tells that the application has begun.
type Flowing struct {
	Rate        int `json:"rate"` // statements a second
	Connections int `json:"connections"`
}

// Ticked tells, once a second, what the application has done so far.
type Ticked struct{ Figures }

// Step is an event of up or down, but for their results.
type Step struct{ event.Event }

// Carried is the result of up or of down.
type Carried struct{ event.Result }

// Verified tells what verify found.
type Verified struct {
	OK          bool          `json:"ok"`
	Tables      int           `json:"tables"`
	Differences []string      `json:"differences"`
	Elapsed     time.Duration `json:"elapsed_ns"`
}

// Checked tells what was found when every row was looked at.
type Checked struct {
	Stage     string            `json:"stage"`            // before, after up, after down
	Rows      int64             `json:"rows_not_written"` // those of Old
	Checksum  string            `json:"checksum"`         // over all of Old
	Old       map[string]Digest `json:"old_columns"`      // by table
	Catalogue []string          `json:"catalogue_differences"`
	Written   Account           `json:"written"` // by the application
}

func (Began) name() string    { return "stage" }
func (Found) name() string    { return "server" }
func (Built) name() string    { return "built" }
func (Flowing) name() string  { return "traffic_started" }
func (Ticked) name() string   { return "traffic" }
func (Step) name() string     { return "" } // it has its own
func (Carried) name() string  { return "carried" }
func (Verified) name() string { return "verified" }
func (Checked) name() string  { return "checked" }
func (Result) name() string   { return "result" }

// Line writes an event as one line of JSON, with the same head as the events of up and down.
func Line(e Event, at time.Time) ([]byte, error) {
	if step, ok := e.(Step); ok {
		return event.Line(step.Event, at)
	}
	head, err := json.Marshal(struct {
		FormatVersion int       `json:"format_version"`
		Event         string    `json:"event"`
		At            time.Time `json:"at"`
	}{event.FormatVersion, e.name(), at.UTC()})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return append(append(append(bytes.TrimSuffix(head, []byte("}")), ','), body[1:]...), '\n'), nil
}
