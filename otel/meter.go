package rekeyotel

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/rekey-pg/rekey/event"
)

// meter has the instruments of a sink.
type meter struct {
	meter metric.Meter

	rows, taken, attempts        metric.Int64Counter
	batch, wait, hold, durations metric.Float64Histogram

	gauges      []gauge
	observables []metric.Observable // of the gauges
}

// gauge is a value that is read when metrics are collected.
type gauge struct {
	name, unit, description string
	state                   string // the attribute of a number of tables
	read                    func(values) (value float64, known bool)
	instrument              metric.Float64ObservableGauge
}

// values are what the gauges of a run show.
type values struct {
	paused, slowed          bool
	rows                    int64 // planned
	parts, active, finished int   // tables, references and primary keys
	impact                  event.Impact
	hasImpact               bool
	load                    event.Load
	hasLoad                 bool
}

func newMeter(of metric.Meter) meter {
	m := meter{
		meter:     of,
		rows:      counter(of, "rekey.rows.filled", "{row}", "Rows that runs have filled."),
		taken:     counter(of, "rekey.locks.taken", "{lock}", "ACCESS EXCLUSIVE locks that runs have taken and released."),
		attempts:  counter(of, "rekey.lock.attempts", "{attempt}", "Attempts to take these locks, also without success."),
		batch:     histogram(of, "rekey.batch.duration", "Median duration of the batches of a second.", .001, .002, .005, .01, .02, .035, .05, .075, .1, .2, .5, 1, 2, 5, 10),
		wait:      histogram(of, "rekey.lock.wait", "How long a lock that was taken was waited for.", .001, .002, .005, .01, .02, .05, .1, .2, .5, 1),
		hold:      histogram(of, "rekey.lock.hold", "How long a lock was held.", .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5),
		durations: histogram(of, "rekey.run.duration", "Duration of runs.", .1, 1, 10, 60, 300, 900, 3600, 4*3600, 12*3600, 24*3600),
	}
	for _, g := range gauges() {
		var err error
		g.instrument, err = of.Float64ObservableGauge(g.name, metric.WithUnit(g.unit), metric.WithDescription(g.description))
		if err != nil {
			otel.Handle(err)
			continue
		}
		m.gauges, m.observables = append(m.gauges, g), append(m.observables, g.instrument)
	}
	return m
}

// counter returns a counter. One that cannot be made, for instance because of a view of the host, counts nothing.
func counter(of metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := of.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
		return noop.Int64Counter{}
	}
	return c
}

// histogram returns a histogram of seconds.
func histogram(of metric.Meter, name, description string, bounds ...float64) metric.Float64Histogram {
	h, err := of.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(bounds...))
	if err != nil {
		otel.Handle(err)
		return noop.Float64Histogram{}
	}
	return h
}

// measurements measures one run.
type measurements struct {
	meter      *meter
	ctx        context.Context
	attributes []attribute.KeyValue
	add        []metric.AddOption
	record     []metric.RecordOption
	observe    map[string][]metric.ObserveOption // by the state of tables; "" for the other gauges
	registered metric.Registration               // nil if they cannot be registered

	mu     sync.Mutex // the reader of metrics calls from its own goroutine; no call of the provider is made under it
	values values
}

// begin begins to measure a run.
func (m *meter) begin(ctx context.Context, command, schema string, e event.RunStarted) *measurements {
	attributes := []attribute.KeyValue{attribute.String("rekey.command", command), attribute.String("rekey.schema", schema)}
	all := metric.WithAttributeSet(attribute.NewSet(attributes...))
	r := &measurements{
		meter: m, ctx: ctx, attributes: attributes, add: []metric.AddOption{all}, record: []metric.RecordOption{all},
		values: values{rows: e.Rows, parts: e.Tables + e.Edges + e.Keys},
	}
	r.observe = map[string][]metric.ObserveOption{"": {all}}
	for _, g := range m.gauges {
		if g.state != "" {
			set := attribute.NewSet(append(attributes[:2:2], attribute.String("rekey.state", g.state))...)
			r.observe[g.state] = []metric.ObserveOption{metric.WithAttributeSet(set)}
		}
	}
	registered, err := m.meter.RegisterCallback(r.collect, m.observables...)
	if err != nil {
		otel.Handle(err)
		return r
	}
	r.registered = registered
	return r
}

// collect reports the gauges that have a value.
func (r *measurements) collect(_ context.Context, to metric.Observer) error {
	r.mu.Lock()
	now := r.values
	r.mu.Unlock()
	for _, g := range r.meter.gauges {
		if value, known := g.read(now); known {
			to.ObserveFloat64(g.instrument, value, r.observe[g.state]...)
		}
	}
	return nil
}

func (r *measurements) set(change func(*values)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.values)
}

func (r *measurements) load(e event.Load) {
	r.set(func(v *values) { v.load, v.hasLoad = e, true })
	if e.Batch > 0 {
		r.meter.batch.Record(r.ctx, e.Batch.Seconds(), r.record...)
	}
}

func (r *measurements) filled(rows int64) { r.meter.rows.Add(r.ctx, rows, r.add...) }

// locked counts the ACCESS EXCLUSIVE locks of a change, as the result of the run does.
func (r *measurements) locked(e event.Locked) {
	tables := len(e.Exclusive())
	if tables == 0 {
		return
	}
	r.meter.taken.Add(r.ctx, int64(tables), r.add...)
	r.meter.attempts.Add(r.ctx, 1, r.add...)
	r.meter.wait.Record(r.ctx, e.Wait.Seconds(), r.record...)
	r.meter.hold.Record(r.ctx, e.Hold.Seconds(), r.record...)
}

func (r *measurements) lockRefused() { r.meter.attempts.Add(r.ctx, 1, r.add...) }

// finished records the duration of the run; failure is the code of a problem, "" for none.
func (r *measurements) finished(e event.Result, failure string) {
	attributes := r.attributes[:2:2]
	if failure != "" {
		attributes = append(attributes, attribute.String("error.type", failure))
	}
	r.meter.durations.Record(r.ctx, max(0, e.Elapsed).Seconds(), metric.WithAttributes(attributes...))
}

// end ends the gauges.
func (r *measurements) end() {
	if r.registered == nil {
		return
	}
	if err := r.registered.Unregister(); err != nil {
		otel.Handle(err)
	}
}

// gauges returns all gauges, without their instruments.
func gauges() []gauge {
	return []gauge{
		one("rekey.run.active", "{run}", "1 while a run works or pauses.", func(values) (float64, bool) { return 1, true }),
		one("rekey.run.paused", "{run}", "1 while the run pauses.", func(v values) (float64, bool) { return flag(v.paused), true }),
		one("rekey.run.slowed", "{run}", "1 while the run is slower for a reason, without a pause.", func(v values) (float64, bool) { return flag(v.slowed), true }),
		one("rekey.rows.planned", "{row}", "Rows that the run fills, estimated.", func(v values) (float64, bool) { return float64(v.rows), true }),
		tables("pending", func(v values) int { return max(0, v.parts-v.active-v.finished) }),
		tables("active", func(v values) int { return v.active }),
		tables("finished", func(v values) int { return v.finished }),
		impact("rekey.impact.ratio", "1", "How many times as long as at rest commits or reads take.", func(e event.Impact) float64 { return e.Ratio }),
		one("rekey.impact.limit.ratio", "1", "The ratio that the run keeps to.", func(v values) (float64, bool) { return v.impact.Limit, v.hasImpact && v.impact.Limit > 0 }),
		impact("rekey.commit.p95", "s", "95th percentile of the probe's recent commits.", func(e event.Impact) float64 { return e.Commit.Seconds() }),
		impact("rekey.commit.idle.p95", "s", "95th percentile of the probe's commits while the run rests.", func(e event.Impact) float64 { return e.CommitIdle.Seconds() }),
		read("rekey.read.p95", "95th percentile of the probe's recent reads.", func(e event.Impact) time.Duration { return e.Read }),
		read("rekey.read.idle.p95", "95th percentile of the probe's reads while the run rests.", func(e event.Impact) time.Duration { return e.ReadIdle }),
		impact("rekey.workers", "{worker}", "Workers that fill the table.", func(e event.Impact) float64 { return float64(e.Workers) }),
		impact("rekey.duty.ratio", "1", "The share of the time in which a worker works.", func(e event.Impact) float64 { return e.Duty }),
		impact("rekey.batch.target", "s", "The target duration of a batch.", func(e event.Impact) float64 { return e.BatchTime.Seconds() }),
		load("rekey.wal", "By/s", "Bytes of WAL per second that all sessions write.", func(e event.Load) float64 { return e.WAL }),
		load("rekey.replication.lag", "s", "How far the slowest standby or subscriber is behind.", func(e event.Load) float64 { return e.Lag.Seconds() }),
		load("rekey.waiting.sessions", "{session}", "Sessions of the database that wait for a lock.", func(e event.Load) float64 { return float64(e.Waiting) }),
	}
}

func one(name, unit, description string, value func(values) (float64, bool)) gauge {
	return gauge{name: name, unit: unit, description: description, read: value}
}

func tables(state string, number func(values) int) gauge {
	g := one("rekey.tables", "{table}", "Tables, references and primary keys of the run, by state.", func(v values) (float64, bool) { return float64(number(v)), true })
	g.state = state
	return g
}

func impact(name, unit, description string, value func(event.Impact) float64) gauge {
	return one(name, unit, description, func(v values) (float64, bool) { return value(v.impact), v.hasImpact })
}

func read(name, description string, took func(event.Impact) time.Duration) gauge {
	return one(name, "s", description, func(v values) (float64, bool) { return took(v.impact).Seconds(), v.hasImpact && took(v.impact) > 0 })
}

func load(name, unit, description string, value func(event.Load) float64) gauge {
	return one(name, unit, description, func(v values) (float64, bool) { return value(v.load), v.hasLoad })
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
