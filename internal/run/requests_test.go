package run

import (
	"context"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// TestTune turns the knobs that were named, and no other.
func TestTuneChangesNamedControls(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	speed := pace.New(pace.Gentle, 30*time.Millisecond)
	watch := throttle.Start(ctx, nil, speed, throttle.Limits{MaxLag: 5 * time.Second, Without: throttle.Names()}, nil)
	k := controls{speed, watch}
	for _, c := range []struct {
		order journal.Request
		speed pace.Speed
		batch time.Duration
		lag   time.Duration
	}{
		{journal.Request{}, pace.Gentle, 30 * time.Millisecond, 5 * time.Second},
		{journal.Request{Pace: "full"}, pace.Full, 30 * time.Millisecond, 5 * time.Second},
		{journal.Request{BatchTime: time.Second}, pace.Full, time.Second, 5 * time.Second},
		{journal.Request{MaxLag: time.Minute}, pace.Full, time.Second, time.Minute},
		{journal.Request{Pace: "fast"}, pace.Full, time.Second, time.Minute},
	} {
		k.tune(c.order)
		if speed.Speed() != c.speed || speed.BatchTime() != c.batch || watch.MaxLag() != c.lag {
			t.Errorf("%+v: %s, %s, %s", c.order, speed.Speed(), speed.BatchTime(), watch.MaxLag())
		}
	}
}
