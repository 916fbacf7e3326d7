package report

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// Input is what a report is made of.
type Input struct {
	// Made is when the report is made.
	Made time.Time
	// MadeBy is the version of rekey.
	MadeBy string
	// Entries are the events of the run, in order. They may end early, or be empty.
	Entries []Entry
	// Record is the row of the run in the journal; nil if the run ended before it had one.
	Record *Record
	// Verification is a verification that was made for this report; nil if there was none.
	Verification *Verification
}

// Entry is an event and its time.
type Entry struct {
	At    time.Time
	Event event.Event
}

// Record is the row of a run in the journal.
type Record struct {
	// Run is the number of the run.
	Run int64
	// Command is "up" or "down".
	Command string
	// Schema is the name of the schema.
	Schema string
	// Phase is the phase to reach, "" if it is not recorded.
	Phase string
	// Program is the version of rekey that ran.
	Program string
	// Started is when the run began.
	Started time.Time
	// Ended is when the run ended, zero if no end is recorded.
	Ended time.Time
	// Outcome is the recorded outcome, "" without one.
	Outcome string
	// Detail is the recorded error, or "".
	Detail string
	// Rows is the recorded number of rows.
	Rows int64
	// Live is true if the run holds the lease now.
	Live bool
}

// builder collects a document from events.
type builder struct {
	doc    Document
	result *event.Result
	last   time.Time
	work   map[string]int // index in doc.Work by name
	open   map[string]openStep
	rates  map[string]float64 // rows per second, by table
	costs  map[string]int
	pause  *Pause
	impact impacts
	raw    []Sample
}

// openStep is a step that has begun and is not done.
type openStep struct {
	step string
	from time.Time
}

// Build makes the report of a run.
func Build(in Input) Document {
	b := builder{work: map[string]int{}, open: map[string]openStep{}, rates: map[string]float64{}, costs: map[string]int{}}
	b.doc = Document{
		Document: "rekey report", FormatVersion: event.FormatVersion, Made: in.Made.UTC(), MadeBy: in.MadeBy, Work: []Work{}, Locks: []Lock{}, Refused: []Attempt{}, Pauses: []Pause{},
		Samples: []Sample{}, Costs: []Cost{}, Statements: []Statement{}, Notices: []Notice{}, Run: Run{Exit: -1},
	}
	for _, entry := range in.Entries {
		b.add(entry.Event, entry.At.UTC())
	}
	if in.Verification != nil {
		b.doc.Verification = in.Verification
	}
	b.finish(in)
	return b.doc
}

// add adds one event.
func (b *builder) add(e event.Event, at time.Time) {
	run := &b.doc.Run
	if run.Started.IsZero() {
		run.Started = at
	}
	if _, after := e.(event.Verified); !after {
		b.last = at
	}
	switch e := e.(type) {
	case event.RunStarted:
		run.Number, run.Command, run.Schema, run.From, run.To, run.Started = e.Run, e.Command, e.Schema, e.From, e.To, at
	case event.Environment:
		b.doc.Environment = &e
		run.Program, run.Phase = e.Program, e.Phase
	case event.Result:
		b.result = &e
	case event.TableAbsent:
		b.doc.Absent = append(b.doc.Absent, e.Table)
	case event.Notice:
		b.doc.Notices = append(b.doc.Notices, Notice{At: at, Table: e.Table, Text: e.Text})
	case event.Verified:
		b.verified(e, at)
	case event.Forecast:
		b.cost(e.Table).Forecast = &e.Cost
	case event.Measured:
		b.cost(e.Table).Actual = &e.Cost
	case event.Impact:
		b.impact.add(e, at)
		b.sample(at, Sample{Ratio: e.Ratio, Commit: e.Commit, Read: e.Read})
	case event.Load:
		b.sample(at, Sample{WAL: e.WAL, Lag: e.Lag, Waiting: e.Waiting, Batch: e.Batch})
	default:
		b.addWork(e, at)
	}
}

// addWork adds an event of the work on a table.
func (b *builder) addWork(e event.Event, at time.Time) {
	switch e := e.(type) {
	case event.TableStarted:
		b.start(e, at)
	case event.TableDone:
		if w := b.find(e.Table); w != nil {
			w.Ended, w.Complete, w.Rows = at, true, e.Rows
		}
		delete(b.rates, e.Table)
	case event.StepDone:
		b.stepDone(e, at)
	case event.Executing:
		b.doc.Statements = append(b.doc.Statements, Statement{At: at, Step: e.Step, SQL: e.SQL})
		b.begin(b.workOf(e.Step), stepOf(e.Step), at)
	case event.Progress:
		b.progress(e, at)
	case event.IndexProgress:
		b.touch(e.Table, at)
	case event.Locked:
		b.doc.Locks = append(b.doc.Locks, Lock{Table: e.Table, At: at, Attempts: e.Attempts, Wait: e.Wait, Hold: e.Hold, Step: b.open[e.Table].step})
		b.touch(e.Table, at)
	case event.LockRefused:
		b.doc.Refused = append(b.doc.Refused, Attempt{Table: e.Table, At: at, Attempts: e.Attempts, Blockers: e.Blockers, Pause: e.Pause})
		b.touch(e.Table, at)
	case event.Throttled:
		b.throttled(e, at)
	}
}

func (b *builder) start(e event.TableStarted, at time.Time) {
	kind := "table"
	switch {
	case e.Edge:
		kind = "reference"
	case e.Key:
		kind = "primary key"
	}
	b.work[e.Table] = len(b.doc.Work)
	b.doc.Work = append(b.doc.Work, Work{Name: e.Table, Kind: kind, Phase: e.Phase, Started: at, Ended: at, Estimate: e.Rows, Steps: []Step{}})
}

func (b *builder) find(table string) *Work {
	if i, found := b.work[table]; found {
		return &b.doc.Work[i]
	}
	return nil
}

// begin remembers when a step of a table began: at its first statement or batch.
func (b *builder) begin(table, step string, at time.Time) {
	if open, found := b.open[table]; !found || open.step != step {
		b.open[table] = openStep{step, at}
	}
	b.touch(table, at)
}

// workOf returns the name of the work to which a step belongs. The steps of a primary key have the name of its table.
func (b *builder) workOf(id string) string {
	table := tableOf(id)
	if w := b.find(table); w != nil && !w.Complete {
		return table
	}
	if w := b.find(table + " primary key"); w != nil && !w.Complete {
		return w.Name
	}
	return table
}

// touch moves the end of the work on a table.
func (b *builder) touch(table string, at time.Time) {
	if w := b.find(table); w != nil && !w.Complete {
		w.Ended = at
	}
}

func (b *builder) stepDone(e event.StepDone, at time.Time) {
	step := stepOf(e.Step)
	delete(b.open, e.Table)
	w := b.find(e.Table)
	if w == nil || e.Already {
		return
	}
	b.touch(e.Table, at)
	w.Steps = append(w.Steps, Step{Name: step, Kind: kindOf(step), From: at.Add(-e.Elapsed), To: at})
	if kindOf(step) == fills {
		delete(b.rates, e.Table)
		b.rate(at)
	}
}

func (b *builder) progress(e event.Progress, at time.Time) {
	if w := b.find(e.Table); w != nil {
		w.Rows = e.Done
		step := "fill-column"
		if w.Kind == "reference" {
			step = "fill"
		}
		b.begin(e.Table, step, at)
	}
	b.rates[e.Table] = e.Rate
	b.rate(at)
}

// rate records the rows per second of all tables.
func (b *builder) rate(at time.Time) {
	var all float64
	for _, rate := range b.rates {
		all += rate
	}
	b.sample(at, Sample{Rows: all})
}

func (b *builder) sample(at time.Time, s Sample) {
	s.At = at
	b.raw = append(b.raw, s)
}

func (b *builder) throttled(e event.Throttled, at time.Time) {
	if b.pause != nil {
		b.pause.To = at
		b.doc.Pauses = append(b.doc.Pauses, *b.pause)
		b.pause = nil
	}
	if e.Reason != "" {
		b.pause = &Pause{Reason: e.Reason, Paused: e.Paused, From: at}
	}
}

func (b *builder) cost(table string) *Cost {
	i, found := b.costs[table]
	if !found {
		i = len(b.doc.Costs)
		b.costs[table] = i
		b.doc.Costs = append(b.doc.Costs, Cost{Table: table})
	}
	return &b.doc.Costs[i]
}

func (b *builder) verified(e event.Verified, at time.Time) {
	v := Verification{At: at, OK: e.OK, Elapsed: e.Elapsed, Problem: e.Problem}
	var report rekey.Report
	if len(e.Report) > 0 && json.Unmarshal(e.Report, &report) == nil && report.FormatVersion > 0 {
		v.Report = &report
	}
	b.doc.Verification = &v
}

// finish completes what depends on all events.
func (b *builder) finish(in Input) {
	doc := &b.doc
	b.throttled(event.Throttled{}, b.last)
	for table, open := range b.open {
		if w := b.find(table); w != nil && !w.Complete {
			w.Steps = append(w.Steps, Step{Name: open.step, Kind: kindOf(open.step), From: open.from, To: w.Ended, Open: true})
		}
	}
	for i := range doc.Work {
		steps := doc.Work[i].Steps
		slices.SortStableFunc(steps, func(a, b Step) int { return a.From.Compare(b.From) })
	}
	slices.SortStableFunc(doc.Costs, func(a, b Cost) int {
		switch {
		case a.Table == b.Table:
			return 0
		case a.Table == "":
			return -1
		case b.Table == "":
			return 1
		}
		return 0
	})
	doc.Impact = b.impact.sum()
	doc.Samples = reduce(b.raw, maxSamples)
	b.end(in)
}

// tableOf returns the table of a step's identifier: "public.users/add-column" is of public.users. A name may contain a slash.
func tableOf(id string) string {
	if i := strings.LastIndex(id, "/"); i >= 0 {
		return id[:i]
	}
	return id
}

// stepOf returns the name of a step.
func stepOf(id string) string { return id[strings.LastIndex(id, "/")+1:] }

// The kinds of steps.
const (
	fills   = "fill"
	indexes = "index"
	checks  = "check"
	changes = "change"
)

// kindOf returns what a step does.
func kindOf(step string) string {
	switch step {
	case "fill-column", "fill":
		return fills
	case "build-index", "mirror-indexes", "parent-index", "primary-index", "unique-key", "keep-unique", "move-arbiter":
		return indexes
	case "require-value", "require-uuid", "link":
		return checks
	default:
		return changes
	}
}
