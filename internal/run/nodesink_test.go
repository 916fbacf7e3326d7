package run

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/event"
)

// recordedShards returns the events of a table with 1,000 rows on two nodes, and what they emit.
func recordedShards() (first, second *nodeSink, emitted func() []event.Event) {
	var events []event.Event
	all := &shardEvents{table: "app.orders", total: 1000, out: func(e event.Event) { events = append(events, e) }}
	return all.node("w:1"), all.node("w:2"), func() []event.Event {
		defer func() { events = nil }()
		return events
	}
}

// TestProgressOfNodes checks that the progress of a table adds up its nodes.
func TestProgressOfNodes(t *testing.T) {
	first, second, emitted := recordedShards()
	if again := first.all.node("w:1"); again != first {
		t.Error("a node has two sinks")
	}
	for _, test := range []struct {
		what string
		do   func()
		want event.Progress
	}{
		{"one node", func() {
			first.emit(event.Progress{Table: "app.orders_102008", Done: 100, Total: 300, Rate: 50, Held: 2})
		}, event.Progress{Done: 100, Total: 1000, Rate: 50, Left: 18 * time.Second, Held: 2}},
		{"the other", func() { second.emit(event.Progress{Done: 200, Rate: 30, Held: 1}) }, event.Progress{Done: 300, Total: 1000, Rate: 80, Left: 8750 * time.Millisecond, Held: 3}},
		{"the next shard", func() {
			first.shardDone(150)
			first.emit(event.Progress{Done: 50, Rate: 70})
		}, event.Progress{Done: 400, Total: 1000, Rate: 100, Left: 6 * time.Second, Held: 1}},
		{"a shard ends, the rate stays", func() {
			first.shardDone(250)
			second.emit(event.Progress{Done: 200, Rate: 30})
		}, event.Progress{Done: 600, Total: 1000, Rate: 100, Left: 4 * time.Second}},
		{"more rows than estimated", func() { second.emit(event.Progress{Done: 800, Rate: 30}) }, event.Progress{Done: 1200, Total: 1200, Rate: 100}},
		{"no rate", func() {
			first.emit(event.Progress{})
			second.emit(event.Progress{Done: 800})
		}, event.Progress{Done: 1200, Total: 1200}},
	} {
		test.do()
		events := emitted()
		test.want.Table = "app.orders"
		if diff := cmp.Diff(event.Event(test.want), events[len(events)-1]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.what, diff)
		}
	}
}

// TestReasonsOfNodes checks that a pause of a node comes before a slower one, that each change is reported once, and that a reason of the
// whole run names no node.
func TestReasonsOfNodes(t *testing.T) {
	first, second, emitted := recordedShards()
	for _, test := range []struct {
		what   string
		node   *nodeSink
		reason event.Throttled
		want   []event.Event
	}{
		{"a slow node", first, event.Throttled{Reason: "slow", Signal: "impact"}, []event.Event{event.Throttled{Reason: "node w:1: slow", Signal: "impact"}}},
		{"the same again", first, event.Throttled{Reason: "slow", Signal: "impact"}, nil},
		{"another is slow", second, event.Throttled{Reason: "slow", Signal: "impact"}, nil},
		{"it pauses", second, event.Throttled{Reason: "lag", Paused: true, Signal: "lag"}, []event.Event{event.Throttled{Reason: "node w:2: lag", Paused: true, Signal: "lag"}}},
		{"the first is no longer slow", first, event.Throttled{}, nil},
		{"a pause of the run", first, event.Throttled{Reason: "by rekey pause", Paused: true, Signal: ofRun}, []event.Event{event.Throttled{Reason: "by rekey pause", Paused: true, Signal: "request"}}},
		{"the pause of the node ends", second, event.Throttled{}, nil},
		{"the pause of the run ends", first, event.Throttled{}, []event.Event{event.Throttled{}}},
	} {
		test.node.emit(test.reason)
		if diff := cmp.Diff(test.want, emitted()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.what, diff)
		}
	}
}

// TestEventsOfShards checks that events of shards are about their table, and that steps of shards are not reported.
func TestEventsOfShards(t *testing.T) {
	node, _, emitted := recordedShards()
	for _, e := range []event.Event{
		event.TableStarted{Table: "app.orders_102008"},
		event.Executing{},
		event.StepDone{},
		event.TableDone{},
		event.Impact{Table: "app.orders_102008", Commit: time.Millisecond},
		event.Notice{Table: "app.orders_102008", Text: "no update was heap-only"},
		event.Notice{Text: "no probe"},
		event.LockRefused{},
	} {
		node.emit(e)
	}
	want := []event.Event{
		event.Impact{Table: "app.orders", Commit: time.Millisecond},
		event.Notice{Table: "app.orders", Text: "node w:1: app.orders_102008: no update was heap-only"},
		event.Notice{Table: "app.orders", Text: "node w:1: no probe"},
		event.LockRefused{},
	}
	if diff := cmp.Diff(want, emitted()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
