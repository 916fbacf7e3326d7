package rekeyotel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rekey-pg/rekey/event"
)

// begun is the time of the first recorded event.
var begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) //nolint:gochecknoglobals // a constant

// recorder is a sink with a clock of its own, and all that it reports.
type recorder struct {
	sink   *sink
	now    time.Time
	traced *tracetest.SpanRecorder
	reader *metric.ManualReader
}

func record(t testing.TB, options Options) *recorder {
	t.Helper()
	r := &recorder{now: begun, traced: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	options.TracerProvider = trace.NewTracerProvider(trace.WithSpanProcessor(r.traced))
	options.MeterProvider = metric.NewMeterProvider(metric.WithReader(r.reader))
	r.sink = newSink(t.Context(), &options, func() time.Time { return r.now })
	return r
}

// play passes events to the sink, one a second.
func (r *recorder) play(events ...event.Event) {
	for _, e := range events {
		r.sink.event(e)
		r.now = r.now.Add(time.Second)
	}
}

// tree returns the ended traces as an indented text, in the order of their start.
func (r *recorder) tree() string {
	all := r.traced.Ended()
	slices.SortStableFunc(all, func(a, b trace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	var text strings.Builder
	var below func(parent [8]byte, indent string)
	below = func(parent [8]byte, indent string) {
		for _, one := range all {
			if one.Parent().SpanID() != parent {
				continue
			}
			fmt.Fprintf(&text, "%s%s %s-%s", indent, one.Name(), since(one.StartTime()), since(one.EndTime()))
			if status := one.Status(); status.Code != codes.Unset {
				fmt.Fprintf(&text, " %s:%s", status.Code, status.Description)
			}
			fmt.Fprintf(&text, "%s\n", list(one.Attributes()))
			for _, e := range one.Events() {
				fmt.Fprintf(&text, "%s  @%s %s%s\n", indent, since(e.Time), e.Name, list(e.Attributes))
			}
			below(one.SpanContext().SpanID(), indent+"  ")
		}
	}
	below([8]byte{}, "")
	return text.String()
}

func since(at time.Time) time.Duration { return at.Sub(begun) }

// list returns attributes, without those that are the same everywhere and the prefix of the others.
func list(attributes []attribute.KeyValue) string {
	var text strings.Builder
	for _, a := range attributes {
		if a.Key != "db.system.name" {
			fmt.Fprintf(&text, " %s=%s", strings.TrimPrefix(string(a.Key), "rekey."), a.Value.String())
		}
	}
	return text.String()
}

// collect returns the metrics that are exported now.
func (r *recorder) collect(t testing.TB) []metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.reader.Collect(context.WithoutCancel(t.Context()), &all); err != nil {
		t.Fatal(err)
	}
	var found []metricdata.Metrics
	for _, s := range all.ScopeMetrics {
		if s.Scope.Name != scope {
			t.Errorf("metrics of %q", s.Scope.Name)
		}
		found = append(found, s.Metrics...)
	}
	return found
}

// metrics returns the metrics that are exported now as lines, sorted.
func (r *recorder) metrics(t testing.TB) []string {
	t.Helper()
	var lines []string
	add := func(m metricdata.Metrics, attributes attribute.Set, value string) {
		var text strings.Builder
		for _, a := range attributes.ToSlice() {
			if a.Key == "rekey.state" || a.Key == "error.type" {
				fmt.Fprintf(&text, " %s=%s", a.Key, a.Value.String())
			}
		}
		if schema, _ := attributes.Value("rekey.schema"); schema.AsString() != "app" {
			t.Errorf("%s has the schema %q", m.Name, schema.AsString())
		}
		lines = append(lines, fmt.Sprintf("%s%s: %s%s", m.Name, text.String(), value, strings.Trim(m.Unit, "1")))
	}
	for _, m := range r.collect(t) {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				add(m, p.Attributes, fmt.Sprintf("total %d ", p.Value))
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				add(m, p.Attributes, fmt.Sprintf("%g ", p.Value))
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				add(m, p.Attributes, fmt.Sprintf("%d values, sum %g ", p.Count, p.Sum))
			}
		default:
			t.Errorf("%s is a %T", m.Name, data)
		}
	}
	slices.Sort(lines)
	return lines
}
