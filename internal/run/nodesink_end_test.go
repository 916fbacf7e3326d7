package run

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/event"
)

// TestNodeEnds checks that a node whose shards are filled has no part in the rate and in the reasons any more.
func TestNodeEnds(t *testing.T) {
	var events []event.Event
	all := &shardEvents{table: "app.orders", total: 1000, out: func(e event.Event) { events = append(events, e) }}
	first, second := all.node("w:1"), all.node("w:2")
	first.emit(event.Progress{Done: 100, Rate: 50})
	first.emit(event.Throttled{Reason: "slow", Signal: "impact"})
	first.shardDone(100)
	events = nil
	first.end()
	second.emit(event.Progress{Done: 200, Rate: 10})
	want := []event.Event{event.Throttled{}, event.Progress{Table: "app.orders", Done: 300, Total: 1000, Rate: 10, Left: 70e9}}
	if !slices.Equal(events, want) {
		t.Errorf("events %+v, want %+v", events, want)
	}
}
