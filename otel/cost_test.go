package rekeyotel

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/rekey-pg/rekey/event"
)

// The events that come several times a second allocate nothing, with the SDK and without it.
func TestFrequentEventsAllocateNothing(t *testing.T) {
	none := newSink(t.Context(), nil, record(t, Options{}).sink.now)
	for name, s := range map[string]*sink{"SDK": record(t, Options{}).sink, "no provider": none} {
		s.event(event.RunStarted{Run: 1})
		s.event(event.TableStarted{Table: "app.t"})
		progress := []event.Event{event.Progress{Table: "app.t", Done: 7}, event.Progress{Table: "app.t", Done: 14}} // each fills rows
		for _, events := range [][]event.Event{progress, {event.Impact{Ratio: 1}}, {event.Load{Batch: second}}, {event.Throttled{}}, {event.Executing{}}} {
			n := testing.AllocsPerRun(100, func() {
				for _, e := range events {
					s.event(e)
				}
			})
			if n > 0 {
				t.Errorf("%s: %T allocates %v times", name, events[0], n)
			}
		}
	}
}

// The reader of metrics and a run do not wait for each other; run it with the race detector too.
func TestCollectsWhileRunsBeginAndEnd(t *testing.T) {
	r := record(t, Options{})
	var reading sync.WaitGroup
	stop := make(chan struct{})
	reading.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				r.collect(t)
			}
		}
	})
	for range 100 {
		r.play(append(working(), ending()...)...)
	}
	close(stop)
	reading.Wait()
	if got := r.metrics(t); !slices.Contains(got, "rekey.rows.filled: total 26500 {row}") {
		t.Errorf("%q", got)
	}
}

// Without providers the global ones of the program are used, also if it sets them later.
func TestGlobalProvidersAreTheDefault(t *testing.T) {
	r := record(t, Options{})
	s := newSink(t.Context(), nil, r.sink.now)
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(r.traced)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	s.event(event.RunStarted{Run: 1, Command: "up"})
	s.event(event.Result{OK: true, Command: "up"})
	if ended := r.traced.Ended(); len(ended) != 1 || ended[0].Name() != "rekey up" {
		t.Errorf("%d spans have ended", len(ended))
	}
}

// A host gets the API of OpenTelemetry and no SDK, and from rekey only the events.
func TestHostsGetNoSDK(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Module", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var modules, ours []string
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var p struct {
			ImportPath string
			Module     *struct{ Path string }
		}
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module == nil {
			continue
		}
		modules = append(modules, p.Module.Path)
		if strings.HasPrefix(p.ImportPath, "github.com/rekey-pg/rekey") {
			ours = append(ours, strings.TrimPrefix(p.ImportPath, "github.com/rekey-pg/rekey/"))
		}
	}
	slices.Sort(modules)
	modules = slices.Compact(modules)
	for _, m := range modules {
		if strings.Contains(m, "/sdk/") || m == "go.opentelemetry.io/otel/sdk" {
			t.Errorf("a host gets %s", m)
		}
	}
	slices.Sort(ours)
	if diff := cmp.Diff([]string{"event", "internal/visible", "otel", "problem"}, ours); diff != "" {
		t.Errorf("packages of rekey (-want +got):\n%s", diff)
	}
	t.Logf("%q", modules)
}

// The reference has every metric and every attribute, and no other.
func TestReferenceIsComplete(t *testing.T) {
	text, err := os.ReadFile("../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## OpenTelemetry\n")
	if !found {
		t.Fatal("docs/reference/metrics.md has no section OpenTelemetry")
	}
	name := regexp.MustCompile("[`\"]((?:rekey|db|error)\\.[a-z0-9_.]+)[`\"]")
	names := func(text string) []string {
		var all []string
		for _, match := range name.FindAllStringSubmatch(text, -1) {
			all = append(all, match[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	var code strings.Builder
	for _, file := range []string{"run.go", "meter.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(source)
	}
	if diff := cmp.Diff(names(code.String()), names(section)); diff != "" {
		t.Errorf("docs/reference/metrics.md (+) differs from the code (-):\n%s", diff)
	}
}
