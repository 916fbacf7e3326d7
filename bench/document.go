package main

import "time"

// Document contains all measurements: the benchmark's JSON. Sizes are in bytes, times in nanoseconds.
type Document struct {
	Format      int       `json:"format"`
	Begun       time.Time `json:"begun"`
	Machine     Machine   `json:"machine"`
	Rows        int64     `json:"rows"`
	Rate        int       `json:"statements_a_second"`
	Connections int       `json:"connections"`
	Servers     []Server  `json:"servers"`
	Citus       *Citus    `json:"citus,omitempty"` // nil without a cluster
}

// Server contains the measurements on one version.
type Server struct {
	Version   string            `json:"version"`
	Major     int               `json:"major"`
	Settings  map[string]string `json:"settings"`
	Runs      []Run             `json:"runs"`
	Functions []Function        `json:"functions,omitempty"`
	Inserts   []Insert          `json:"inserts,omitempty"`
	Tenants   []Tenants         `json:"tenants,omitempty"`
	Small     []Small           `json:"small,omitempty"`
	Link      []Link            `json:"link,omitempty"`
	Forecasts []Forecast        `json:"forecasts,omitempty"`
	Reach     []Figure          `json:"reach"`
}

// Run is one variant at one size.
type Run struct {
	Name        string        `json:"name"`
	Rows        int64         `json:"rows"`
	Traffic     bool          `json:"traffic"`
	Wall        time.Duration `json:"wall_ns"`
	Rate        float64       `json:"rows_a_second,omitempty"`
	WAL         int64         `json:"wal_bytes"` // includes the application's
	Table       int64         `json:"table_bytes"`
	Indexes     int64         `json:"index_bytes"`
	Updated     int64         `json:"updated_rows"` // includes the application's
	HOT         float64       `json:"hot_share"`    // as a part of the updated rows
	Application *Application  `json:"application,omitempty"`
	Locks       *Locks        `json:"access_exclusive,omitempty"`
	Steps       []Step        `json:"rekey_steps,omitempty"`
	Memory      int64         `json:"rekey_peak_bytes,omitempty"`
	Error       string        `json:"error,omitempty"`

	begun time.Time
	marks []mark
}

// Step is the time that one of rekey's steps took.
type Step struct {
	Step    string        `json:"step"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Locks describes the ACCESS EXCLUSIVE locks on the table.
type Locks struct {
	By      string        `json:"by"` // hold: the time that rekey reports; statement: includes the wait before it
	Count   int           `json:"count"`
	Longest time.Duration `json:"longest_ns"`
	Total   time.Duration `json:"total_ns"`
}

const (
	byHold      = "hold"
	byStatement = "statement"
)

func (l *Locks) add(d time.Duration) {
	l.Count++
	l.Longest = max(l.Longest, d)
	l.Total += d
}

// Function is the cost of a call of a function.
type Function struct {
	Name string        `json:"name"`
	Call time.Duration `json:"call_ns"`
}

// Insert is the cost of rows that enter a unique index.
type Insert struct {
	Version string        `json:"uuid"` // v7, v4
	Rows    int           `json:"rows"`
	Wall    time.Duration `json:"wall_ns"`
	WAL     int64         `json:"wal_bytes"`
	Index   int64         `json:"index_bytes"`
}

// Figure is one target and its measurement.
type Figure struct {
	Figure  string   `json:"figure"`
	Reach   string   `json:"reach"`
	Value   *float64 `json:"value"` // nil if it was not measured
	Got     string   `json:"got"`
	Reached *bool    `json:"met"`
}
