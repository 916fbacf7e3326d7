package demo

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// Event is one event of a demo: a type of this file, or Result.
type Event interface{ name() string }

// Began reports that a stage begins. The next event reports its end.
type Began struct {
	Stage string `json:"stage"`
	Text  string `json:"text"`
}

// Found reports which PostgreSQL runs.
type Found struct {
	Version string `json:"version"`
	Bin     string `json:"bin"`
	Origin  string `json:"origin"` // REKEY_PG_BIN, PATH, the system, npm
}

// Built reports that the database is complete.
type Built struct {
	Tables  int           `json:"tables"` // tables that are migrated
	Rows    int64         `json:"rows"`   // rows in these tables
	Note    string        `json:"note,omitempty"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Flowing reports that the application has started.
type Flowing struct {
	Rate        int `json:"rate"` // statements per second
	Connections int `json:"connections"`
}

// Ticked reports the application's figures so far. It is emitted once a second.
type Ticked struct{ Figures }

// Step is an event of up or down other than their results.
type Step struct{ event.Event }

// Carried is the result of up or of down.
type Carried struct{ event.Result }

// Verified reports the result of verify.
type Verified struct {
	OK          bool          `json:"ok"`
	Tables      int           `json:"tables"`
	Differences []string      `json:"differences"`
	Elapsed     time.Duration `json:"elapsed_ns"`
}

// Checked reports the result of a check of every row.
type Checked struct {
	Stage     string            `json:"stage"`            // before, after up, after down
	Rows      int64             `json:"rows_not_written"` // rows in Old
	Checksum  string            `json:"checksum"`         // checksum of all of Old
	Old       map[string]Digest `json:"old_columns"`      // by table
	Catalogue []string          `json:"catalogue_differences"`
	Written   Account           `json:"written"` // by the application
}

func (Began) name() string    { return "stage" }
func (Found) name() string    { return "server" }
func (Built) name() string    { return "built" }
func (Flowing) name() string  { return "traffic_started" }
func (Ticked) name() string   { return "traffic" }
func (Step) name() string     { return "" } // the event of up or down has its own name
func (Carried) name() string  { return "carried" }
func (Verified) name() string { return "verified" }
func (Checked) name() string  { return "checked" }
func (Result) name() string   { return "result" }

// Line returns an event as one line of JSON, with the same first fields as the events of up and down.
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
