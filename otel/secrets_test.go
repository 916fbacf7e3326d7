package rekeyotel

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

const (
	secret = "hunter2" // in every text that may be of another session, or of a row
	public = "shown"   // in every text that is a name, a phase, a step or a code
)

// shown are the texts of events that spans and metrics may contain.
func shown() []string {
	return []string{
		"Environment.Phase", "Environment.Program", "Environment.Server", "LockRefused.Table", "Locked.Table", "Problem.Code", "Problem.Kind", "Problem.SQLState",
		"Progress.Table", "Result.Command", "Result.Schema", "RunStarted.Command", "RunStarted.Schema", "StepDone.Step", "StepDone.Table",
		"TableDone.Phase", "TableDone.Table", "TableStarted.Phase", "TableStarted.Table",
	}
}

// kinds returns an empty event of each type in the sources of package event.
func kinds(t *testing.T) []event.Event {
	t.Helper()
	source, err := os.ReadFile("../event/event.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []event.Event
	for _, match := range regexp.MustCompile(`\) name\(\) string +\{ return "(\w+)" \}`).FindAllStringSubmatch(string(source), -1) {
		e, _, err := event.Parse(fmt.Appendf(nil, `{"format_version":%d,"event":%q,"at":"2026-01-02T03:04:05Z"}`, event.FormatVersion, match[1]))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if len(all) < 20 {
		t.Fatalf("only %d types of events", len(all))
	}
	return all
}

// filled returns an event with a value in each field: texts are public or secret.
func filled(t *testing.T, e event.Event) event.Event {
	t.Helper()
	v := reflect.New(reflect.TypeOf(e)).Elem()
	fill(t, v, "")
	return v.Interface().(event.Event)
}

func fill(t *testing.T, v reflect.Value, field string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), field)
		fill(t, v.Index(1), field)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), field)
	case reflect.Interface:
		v.Set(reflect.ValueOf(fmt.Errorf("%s", secret)))
	case reflect.String:
		v.SetString(secret)
		if slices.Contains(shown(), field) {
			v.SetString(public)
		}
	case reflect.Uint8:
		v.SetUint('9')
	case reflect.Bool:
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	default:
		t.Fatalf("no value for %s, a %s", field, v.Kind())
	}
}

// exported returns all that the exporters get, as a text.
func exported(t *testing.T, r *recorder) string {
	t.Helper()
	traces, err := json.Marshal(tracetest.SpanStubsFromReadOnlySpans(r.traced.Ended()))
	if err != nil {
		t.Fatal(err)
	}
	return string(traces) + fmt.Sprintf("%+v %+v", r.tree(), r.collect(t))
}

// Each kind of event comes between the start and the end of a run, so that what it adds is exported.
func TestTextsOfOthersAreNotExported(t *testing.T) {
	for _, e := range kinds(t) {
		t.Run(fmt.Sprintf("%T", e), func(t *testing.T) {
			r := record(t, Options{})
			one := filled(t, e)
			// A table and a run that are open get the event, and so do none.
			r.play(one, event.RunStarted{Run: 1, Command: "up"}, one, event.TableStarted{Table: public}, one, event.Result{}, one)
			text := exported(t, r)
			if strings.Contains(text, secret) {
				t.Errorf("exported:\n%s\n%s", r.tree(), text)
			}
			if shows := slices.ContainsFunc(shown(), func(field string) bool {
				return strings.HasPrefix(field, reflect.TypeOf(e).Name()+".")
			}); shows && !strings.Contains(text, public) {
				t.Errorf("nothing of the event was exported: this test finds nothing\n%s", text)
			}
		})
	}
}

// A name with a byte that is not UTF-8 would lose the whole batch of an exporter.
func TestNamesAreUTF8(t *testing.T) {
	r := record(t, Options{})
	r.play(event.RunStarted{Run: 1, Command: "up", Schema: "a\xff"}, event.TableStarted{Table: "a\xff.t"}, event.StepDone{Step: "a\xff/b\xff", Table: "a\xff.t"},
		event.Result{Problems: problem.List{{Code: "\xff"}}})
	if text := r.tree(); strings.ToValidUTF8(text, "") != text || !strings.Contains(text, "table a\uFFFD.t") {
		t.Errorf("%q", text)
	}
}

// Events in any order neither panic nor leave a span open after the end of the last run.
func TestEventsInAnyOrder(t *testing.T) {
	all := []event.Event{nil, &event.TableStarted{Table: public}, event.TableStarted{Table: "other", Edge: true}, event.Throttled{}}
	for _, e := range kinds(t) {
		all = append(all, filled(t, e), e)
	}
	for seed := range uint64(200) {
		r, order := record(t, Options{}), rand.New(rand.NewPCG(seed, 1))
		for range 60 {
			r.play(all[order.IntN(len(all))])
			if seed%10 == 0 {
				r.collect(t)
			}
		}
		r.play(event.Result{})
		if open := len(r.traced.Started()) - len(r.traced.Ended()); open != 0 || len(r.traced.Ended()) == 0 {
			t.Fatalf("seed %d leaves %d of %d spans open", seed, open, len(r.traced.Started()))
		}
		for _, m := range r.collect(t) {
			if m.Name == "rekey.run.active" {
				t.Fatalf("seed %d leaves the gauges of a run", seed)
			}
		}
	}
}
