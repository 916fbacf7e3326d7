package run

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// TestNodeFollowsPace checks that pauses and settings of a run reach a node, that a node's own pause stays, and that nothing reaches it
// after the end.
func TestNodeFollowsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, node := pace.New(pace.Gentle, 0), pace.New(pace.Normal, 0)
		run.SetMaxImpact(1.3)
		ctx, cancel := context.WithCancel(t.Context())
		ended := followPace(ctx, run, node)
		for _, test := range []struct {
			what   string
			do     func()
			reason string
		}{
			{"at once", func() {}, ""},
			{"a pause", func() { run.Pause("request", "by rekey pause") }, "by rekey pause"},
			{"its end", func() { run.Resume("request") }, ""},
			{"the node pauses", func() { node.Pause("lag", "standby lags") }, "standby lags"},
			{"a pause of the run that ends", func() {
				run.Pause("shards", "a move")
				synctest.Wait()
				run.Resume("shards")
			}, "standby lags"},
			{"the node continues", func() { node.Resume("lag") }, ""},
			{"a batch time", func() { run.SetBatchTime(70 * time.Millisecond) }, ""},
			{"full pace", func() { run.SetSpeed(pace.Full) }, ""},
			{"a limit", func() { run.SetMaxImpact(2.5) }, ""},
			{"no limit", func() { run.SetMaxImpact(-1) }, ""},
			{"the default of the pace", func() { run.SetMaxImpact(0) }, ""},
		} {
			test.do()
			synctest.Wait()
			if reason, _ := node.Paused(); reason != test.reason {
				t.Errorf("%s: paused for %q, want %q", test.what, reason, test.reason)
			}
			if node.Speed() != run.Speed() || node.Longest() != run.Longest() || node.Limit() != run.Limit() {
				t.Errorf("%s: the node has %v, %v and %v", test.what, node.Speed(), node.Longest(), node.Limit())
			}
		}
		cancel()
		<-ended
		run.Pause("request", "by rekey pause")
		synctest.Wait()
		if reason, _ := node.Paused(); reason != "" {
			t.Errorf("after the end: paused for %q", reason)
		}
	})
}
