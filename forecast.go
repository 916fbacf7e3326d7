package rekey

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/forecast"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
)

// ForecastOptions says what a forecast is made from.
type ForecastOptions struct {
	// Calibrate makes [Migrator.Plan] measure how fast the server is: it reads some pages of the largest tables and calls
	// the function of the new values some thousand times, for at most two seconds. Default: the times of the benchmark's machine.
	Calibrate bool
	// DiskFree is the number of bytes that are free on the server's disk, for the risk "disk". Default: it is read if the
	// data directory is on this machine, else it is unknown.
	DiskFree int64
}

// Forecast is what a run is expected to cost.
type Forecast struct {
	// Calibrated is true if the times are based on a measurement of the server; see [ForecastOptions].
	Calibrated bool `json:"calibrated"`
	// Processor is how many times as long as on the benchmark's machine the server's processor takes; 1 if it was not measured.
	Processor float64 `json:"processor"`
	// Page is how long a page that is not in memory takes to be read, 0 if it was not measured.
	Page time.Duration `json:"page_ns,omitempty"`
	// Trip is how long a statement takes to the server and back, 0 if it was not measured.
	Trip time.Duration `json:"trip_ns,omitempty"`
	// Pace is the pace of the run.
	Pace Pace `json:"pace"`
	// Groups has an entry for each table, reference and primary key with something to do, in the order of the run.
	Groups []Cost `json:"groups"`
	// All is the cost of the run.
	All Cost `json:"all"`
}

// Cost is what a group of a plan, or a run, is expected to cost. Sizes are in bytes.
type Cost struct {
	// Table is the name of the group as in the events, "" for the whole run.
	Table string `json:"table,omitempty"`
	// Rows is the number of rows to fill.
	Rows int64 `json:"rows"`
	// Gentle is the duration at pace gentle.
	Gentle time.Duration `json:"gentle_ns"`
	// Normal is the duration at pace normal.
	Normal time.Duration `json:"normal_ns"`
	// Full is the duration at pace full.
	Full time.Duration `json:"full_ns"`
	// WAL is the WAL that the run writes.
	WAL int64 `json:"wal_bytes"`
	// TableBefore is the size of the tables now, with TOAST and without indexes.
	TableBefore int64 `json:"table_before_bytes"`
	// TableAfter is the size of the tables after the run.
	TableAfter int64 `json:"table_after_bytes"`
	// IndexesBefore is the size of the indexes now.
	IndexesBefore int64 `json:"indexes_before_bytes"`
	// IndexesAfter is the size of the indexes after the run.
	IndexesAfter int64 `json:"indexes_after_bytes"`
	// Sort is the size of the temporary files of the largest index build, 0 if it needs none.
	Sort int64 `json:"sort_bytes"`
	// Peak is the additional space on the disk at the worst time: growth, temporary files, and WAL that is kept.
	Peak int64 `json:"peak_bytes"`
	// HeapOnly is the share of heap-only updates, from 0 to 1.
	HeapOnly float64 `json:"heap_only"`
}

// Before returns the size of the tables and their indexes now.
func (c Cost) Before() int64 { return c.TableBefore + c.IndexesBefore }

// After returns the size of the tables and their indexes after the run.
func (c Cost) After() int64 { return c.TableAfter + c.IndexesAfter }

// At returns the duration at a pace. The pace "" is [PaceNormal].
func (c Cost) At(p Pace) time.Duration {
	switch p {
	case PaceGentle:
		return c.Gentle
	case PaceFull:
		return c.Full
	case PaceNormal:
	}
	return c.Normal
}

// Risk is a reason why a run may be slow, stop, or fill the disk. It refuses nothing.
type Risk struct {
	// Name identifies the kind of risk.
	Name RiskName `json:"name"`
	// Message is one line.
	Message string `json:"message"`
	// Detail is what the message does not say; sentences.
	Detail string `json:"detail,omitempty"`
	// Hint is what to do about it: a sentence or a command.
	Hint string `json:"hint,omitempty"`
}

// RiskName is the name of a risk.
type RiskName string

// The risks.
const (
	RiskDisk            RiskName = "disk"             // the disk has too little space, or its free space is unknown
	RiskSlots           RiskName = "slots"            // a replication slot keeps WAL
	RiskArchive         RiskName = "archive"          // the archiving of WAL fails
	RiskStandby         RiskName = "standby"          // a standby lags
	RiskLongTransaction RiskName = "long-transaction" // a transaction keeps dead rows
	RiskMinWALSize      RiskName = "min-wal-size"     // new WAL segments have to be created during the run
	RiskMaxWALSize      RiskName = "max-wal-size"     // the WAL of the run causes checkpoints
	RiskAutovacuum      RiskName = "autovacuum"       // a VACUUM runs, or will have to
	RiskConnections     RiskName = "connections"      // few connections are left
	RiskStatistics      RiskName = "statistics"       // ANALYZE has not counted a table, so that the forecast is a guess
)

// forecastOf returns a forecast as a document; nil if there is nothing to forecast.
func forecastOf(f forecast.Forecast, speed Pace) *Forecast {
	if len(f.Groups) == 0 {
		return nil
	}
	if speed == "" {
		speed = PaceNormal
	}
	doc := &Forecast{
		Calibrated: f.Speed.Measured, Processor: f.Speed.Processor, Page: f.Speed.Page, Trip: f.Speed.Trip, Pace: speed, Groups: []Cost{}, All: costOf(f.All),
	}
	for _, c := range f.Groups {
		doc.Groups = append(doc.Groups, costOf(c))
	}
	return doc
}

func costOf(c forecast.Cost) Cost {
	return Cost{
		Table: c.Name, Rows: c.Rows, Gentle: c.Times[pace.Gentle], Normal: c.Times[pace.Normal], Full: c.Times[pace.Full], WAL: c.WAL,
		TableBefore: c.TableBefore, TableAfter: c.TableAfter, IndexesBefore: c.IndexBefore, IndexesAfter: c.IndexAfter,
		Sort: c.Sort, Peak: c.Peak, HeapOnly: c.HeapOnly,
	}
}

func risksOf(found []forecast.Risk) (list []Risk) {
	for _, r := range found {
		list = append(list, Risk{Name: RiskName(r.Name), Message: r.Message, Detail: r.Detail, Hint: r.Hint})
	}
	return list
}

// forecast adds the forecast and the risks to a plan. A forecast that fails becomes a note: the plan does not depend on it.
func (m *Migrator) forecast(ctx context.Context, p plan.Plan, doc *Plan) {
	request := m.options.Forecast.request()
	request.Signals, request.Speed = m.signals(), pace.Speed(m.options.Backfill.Pace)
	found, err := run.Forecast(ctx, m.pool, p, request)
	if err != nil {
		doc.Notes = append(doc.Notes, "the cost could not be forecast: "+fault.Reason(err))
		return
	}
	doc.Forecast, doc.Risks = forecastOf(found.Forecast, m.options.Backfill.Pace), risksOf(found.Risks)
}

// request returns the options for package run.
func (o ForecastOptions) request() run.ForecastRequest {
	return run.ForecastRequest{Calibrate: o.Calibrate, DiskFree: o.DiskFree}
}
