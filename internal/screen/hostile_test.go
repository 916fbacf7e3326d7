package screen

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/visible"
)

const hostile = "a\x1b[2J\u202e\u2028\u200b\u009b\x00\r\nERROR:  fake"

// fill sets every text in a value to the hostile name, every list to one item, and every pointer to a value.
func fill(v reflect.Value, depth int) {
	if depth > 8 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(hostile)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(3)
	case reflect.Float64:
		v.SetFloat(3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, depth+1)
		}
	default: // contains no text
	}
}

// filled returns a value of hostile texts.
func filled[T any]() (value T) {
	fill(reflect.ValueOf(&value).Elem(), 0)
	return value
}

// A terminal obeys no text that is shown, and no text forges a line.
func TestEscapesHostileTexts(t *testing.T) {
	said := map[string]string{}
	for _, profile := range []string{"", hostile} {
		doc, status, report := filled[rekey.Plan](), filled[rekey.Status](), filled[rekey.Report]()
		doc.Profile, status.Profile, report.Profile, doc.NothingToDo = profile, profile, profile, false
		said["plan "+profile], said["status "+profile], said["report "+profile] = Plan(doc, someNext(), 80), Status(status, 80), Report(report, 80)
		said["statements "+profile] = Statements(doc, nil, 80)
		text, _ := PlanLine(doc)
		said["planned"], said["counted"], said["standing"] = text, ReportLine(report), StatusLine(status)
	}
	result := filled[event.Result]()
	said["summary"], said["ended"], said["failed"] = Summary(result, "", hostile, 80), ResultLine(result), FailureLine(result.Problems)
	said["problems"], said["sum"] = Problems(result.Problems, 80, false), Total(filled[event.Summary]())
	for _, show := range []func(*bytes.Buffer) Writer{
		func(b *bytes.Buffer) Writer { return Lines(b) }, func(b *bytes.Buffer) Writer { return JSON(b, b) },
	} {
		var out bytes.Buffer
		for _, e := range events() {
			show(&out).Event(e)
		}
		said["events"] += out.String()
	}
	var drawn bytes.Buffer
	bars := Terminal(&drawn, mpb.WithWidth(80), mpb.WithAutoRefresh(), mpb.WithRefreshRate(time.Millisecond))
	for _, e := range events() {
		bars.Event(e)
	}
	bars.Close()
	for _, part := range []string{"[2J", "\u202e", "\u2028", "\u009b"} {
		if strings.Contains(strings.ReplaceAll(drawn.String(), `\x1b[2J`, ""), part) {
			t.Errorf("the bars have %q: %q", part, drawn.String())
		}
	}
	for what, text := range said {
		if !visible.Safe(strings.ReplaceAll(text, "\n", "")) {
			t.Errorf("%s: %q", what, text)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "ERROR:  fake") {
				t.Errorf("%s: a name has begun a line: %q", what, text)
			}
		}
	}
}

func events() []event.Event {
	return []event.Event{
		filled[event.RunStarted](), filled[event.TableStarted](), filled[event.StepDone](), filled[event.Executing](), filled[event.Progress](), filled[event.IndexProgress](),
		filled[event.LockRefused](), filled[event.Locked](), filled[event.Throttled](), filled[event.Notice](), filled[event.TableAbsent](), filled[event.TableDone](), filled[event.Result](),
	}
}
