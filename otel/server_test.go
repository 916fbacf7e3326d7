package rekeyotel_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	rekeyotel "github.com/rekey-pg/rekey/otel"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { servertest.Main(m) }

const shop = `CREATE SCHEMA app;
	CREATE TABLE app.users (id bigserial PRIMARY KEY, created_at timestamptz DEFAULT now());
	CREATE TABLE app.orders (id bigserial PRIMARY KEY, user_id bigint REFERENCES app.users, created_at timestamptz DEFAULT now());
	INSERT INTO app.users SELECT FROM generate_series(1, 500);
	INSERT INTO app.orders (user_id) SELECT 1 + i % 500 FROM generate_series(1, 2000) i`

// TestRunOnAServer traces real runs as part of the host's own trace: one that reaches phase linked, and one that is refused.
func TestRunOnAServer(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		traced, reader := tracetest.NewSpanRecorder(), metric.NewManualReader()
		tracers := trace.NewTracerProvider(trace.WithSpanProcessor(traced))
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, shop)

		ctx, deployment := tracers.Tracer("host").Start(t.Context(), "deployment")
		var steps, locks int
		options := &rekey.Options{To: rekey.Linked, OnEvent: rekeyotel.Sink(ctx, &rekeyotel.Options{
			TracerProvider: tracers, MeterProvider: metric.NewMeterProvider(metric.WithReader(reader)),
			Next: func(e event.Event) {
				switch e.(type) {
				case event.StepDone:
					steps++
				case event.Locked:
					locks++
				}
			},
		})}
		up := func(schema string) (event.Result, error) {
			migrator, err := rekey.New(pool, rekey.Schema{Name: schema}, options)
			if err != nil {
				t.Fatal(err)
			}
			return migrator.Up(ctx)
		}
		result, err := up("app")
		if err != nil {
			t.Fatal(err)
		}
		checkTrace(t, traced.Ended(), deployment.SpanContext().SpanID().String(), steps, locks)
		checkTotals(t, reader, result)

		count := len(traced.Ended())
		if _, err = up("nowhere"); err == nil {
			t.Fatal("a run on a schema that does not exist ended without an error")
		}
		last := traced.Ended()[count:]
		if len(last) != 1 || last[0].Status().Description != first(err) {
			t.Errorf("%v is %d spans: %v", err, len(last), last)
		}
	})
}

func first(err error) string {
	p, _ := errors.AsType[*problem.Problem](err)
	return p.Code
}

// checkTrace checks that the spans are one tree below the host's own, that each is within its parent, and that none has an error.
func checkTrace(t *testing.T, all []trace.ReadOnlySpan, host string, steps, locks int) {
	t.Helper()
	byID, names, locked := map[string]trace.ReadOnlySpan{}, []string{}, 0
	for _, one := range all {
		byID[one.SpanContext().SpanID().String()] = one
	}
	for _, one := range all {
		parent, depth := byID[one.Parent().SpanID().String()], 0
		for above := parent; above != nil; above = byID[above.Parent().SpanID().String()] {
			depth++
		}
		switch {
		case parent == nil && (one.Name() != "rekey up" || one.Parent().SpanID().String() != host):
			t.Errorf("%s has no parent", one.Name())
		case parent != nil && (one.StartTime().Before(parent.StartTime()) || one.EndTime().After(parent.EndTime())):
			t.Errorf("%s is not within %s", one.Name(), parent.Name())
		case one.Status().Code != codes.Unset || slices.Contains(one.Attributes(), attribute.Bool("rekey.unfinished", true)):
			t.Errorf("%s ended with %+v and %v", one.Name(), one.Status(), one.Attributes())
		}
		if depth < 2 && !strings.Contains(one.Name(), "-") {
			names = append(names, one.Name())
		} else {
			steps--
		}
		for _, e := range one.Events() {
			if e.Name == "locked" {
				locked++
			}
		}
	}
	slices.Sort(names)
	if want := []string{"reference app.orders.user_id", "rekey up", "table app.orders", "table app.users"}; !slices.Equal(names, want) {
		t.Errorf("the trace has %q, want %q", names, want)
	}
	if steps != 0 || locked != locks || locks == 0 {
		t.Errorf("%d steps have no span; %d of %d locks are events", steps, locked, locks)
	}
}

// checkTotals compares the counters with the result of the run.
func checkTotals(t *testing.T, reader *metric.ManualReader, result event.Result) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.WithoutCancel(t.Context()), &all); err != nil {
		t.Fatal(err)
	}
	totals := map[string]int64{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok {
			totals[m.Name] = sum.DataPoints[0].Value
		}
	}
	for name, want := range map[string]int64{
		"rekey.rows.filled": result.Rows, "rekey.locks.taken": int64(result.Locks.Count), "rekey.lock.attempts": int64(result.Locks.Attempts),
	} {
		if totals[name] != want || want == 0 {
			t.Errorf("%s is %d, want %d", name, totals[name], want)
		}
	}
}
