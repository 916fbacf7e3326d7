// Package rekeyotel reports the runs of rekey to OpenTelemetry. It is a module of its own, so that a host without OpenTelemetry
// gets none of it.
//
//	migrator, err := rekey.New(pool, scope, &rekey.Options{OnEvent: rekeyotel.Sink(ctx, nil)})
//
// A run is a span. Its children are one span for each table, reference and primary key, and theirs are the steps. Waits
// for locks, pauses and slowdowns are events of spans. The metrics have the names of the command's /metrics, with dots.
//
// Spans and metrics contain names of schemas and tables, phases, steps, codes and numbers. They never contain a statement, a
// value of a row, the text of a problem or a reason, or anything about other sessions but their number.
package rekeyotel

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/rekey-pg/rekey/event"
)

// scope is the name of the tracer and of the meter.
const scope = "github.com/rekey-pg/rekey/otel"

// Options configures a [Sink]. The zero value of every field is its default.
type Options struct {
	// TracerProvider makes the tracer; go.opentelemetry.io/otel/trace/noop has one that traces nothing. Default: the global one,
	// which traces nothing until the program sets another.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the meter; go.opentelemetry.io/otel/metric/noop has one that measures nothing. Default: the global one,
	// which measures nothing until the program sets another.
	MeterProvider metric.MeterProvider
	// Next receives each event after the sink. Default: none.
	Next func(event.Event)
}

// Sink returns a function for Options.OnEvent of a rekey.Migrator; nil options are the defaults. The span of ctx, if it has one,
// is the parent of the spans of runs; the end of ctx changes nothing.
//
// Runs that follow each other may share a sink; runs at the same time need one each. Events in any order, unknown ones
// and runs without an end are no error. A sink starts no goroutine and waits for nothing but the providers: a span processor
// that exports at the end of each span delays the run, a batching one does not.
func Sink(ctx context.Context, options *Options) func(event.Event) {
	return newSink(ctx, options, time.Now).event
}

// sink is the state between two events.
type sink struct {
	ctx    context.Context
	tracer trace.Tracer
	meter  meter
	next   func(event.Event)
	now    func() time.Time

	mu  sync.Mutex
	run *run // nil between runs
}

func newSink(ctx context.Context, options *Options, now func() time.Time) *sink {
	var o Options
	if options != nil {
		o = *options
	}
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	return &sink{
		ctx: context.WithoutCancel(ctx), tracer: o.TracerProvider.Tracer(scope), meter: newMeter(o.MeterProvider.Meter(scope)), next: o.Next, now: now,
	}
}

func (s *sink) event(e event.Event) {
	s.report(e)
	if s.next != nil {
		s.next(e)
	}
}

func (s *sink) report(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.now()
	switch e := e.(type) {
	case event.RunStarted:
		if s.run != nil { // it has reported no end
			s.run.end(at)
		}
		s.run = s.begin(e, at)
	case event.Result:
		if s.run == nil { // refused, or nothing to do
			s.run = s.begin(event.RunStarted{Command: e.Command, Schema: e.Schema}, at.Add(-max(0, e.Elapsed)))
		}
		s.run.finish(e, at)
		s.run = nil
	default:
		if s.run != nil {
			s.run.event(e, at)
		}
	}
}
