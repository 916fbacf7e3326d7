package run

import (
	"context"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// TestTuneChangesNamedControls checks that tune changes the controls that the request sets, and no others.
func TestTuneChangesNamedControls(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	speed := pace.New(pace.Gentle, 30*time.Millisecond)
	watch := throttle.Start(ctx, nil, speed, throttle.Limits{MaxLag: 5 * time.Second, Without: throttle.Names()}, nil)
	c := controls{speed, watch}
	for _, test := range []struct {
		request journal.Request
		speed   pace.Speed
		batch   time.Duration
		lag     time.Duration
	}{
		{journal.Request{}, pace.Gentle, 30 * time.Millisecond, 5 * time.Second},
		{journal.Request{Pace: "full"}, pace.Full, 30 * time.Millisecond, 5 * time.Second},
		{journal.Request{BatchTime: time.Second}, pace.Full, time.Second, 5 * time.Second},
		{journal.Request{MaxLag: time.Minute}, pace.Full, time.Second, time.Minute},
		{journal.Request{Pace: "fast"}, pace.Full, time.Second, time.Minute},
	} {
		c.tune(test.request)
		if speed.Speed() != test.speed || speed.BatchTime() != test.batch || watch.MaxLag() != test.lag {
			t.Errorf("%+v: %s, %s, %s", test.request, speed.Speed(), speed.BatchTime(), watch.MaxLag())
		}
	}
}
