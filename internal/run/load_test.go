package run

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
)

func TestLoadSince(t *testing.T) {
	begin := time.Now()
	before := load{at: begin, wal: 1000}
	now := load{at: begin.Add(2 * time.Second), wal: 5000, lag: 1.5, waiting: 3}
	if got, want := now.since(before, time.Millisecond), (event.Load{WAL: 2000, Lag: 1500 * time.Millisecond, Waiting: 3, Batch: time.Millisecond}); got != want {
		t.Errorf("got %+v", got)
	}
	if got := (load{at: begin.Add(time.Second), wal: 10}).since(before, 0); got.WAL != 0 { // another server, after a failover
		t.Errorf("got %+v", got)
	}
}
