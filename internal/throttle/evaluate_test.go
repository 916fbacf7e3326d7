package throttle

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
)

func TestEvaluatesLag(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	for name, c := range map[string]struct {
		readings [][]follower // one per second
		reason   string
	}{
		"no standby":                      {[][]follower{nil}, ""},
		"a small lag":                     {[][]follower{{{"a", false, 0.2, 90, 100}}}, ""},
		"the server's figure":             {[][]follower{{{"a", false, 12, 90, 100}}}, "standby a is 12s behind (limit 2s)"},
		"idle, with an old figure":        {[][]follower{{{"a", false, 12, 100, 100}}}, ""},
		"the larger of two":               {[][]follower{{{"a", false, 3, 90, 100}, {"b", false, 4, 90, 100}}}, "standby b is 4s"},
		"no answer, no figure":            {[][]follower{{{"a", false, 0, 90, 100}}, {{"a", false, 0, 90, 110}}, nil, {{"a", false, 0, 90, 120}}}, "standby a is 3s"},
		"slow, and replaying":             {[][]follower{{{"a", false, 0, 90, 100}}, {{"a", false, 0, 100, 110}}, {{"a", false, 0, 110, 120}}}, ""},
		"a position before the first one": {[][]follower{{{"a", false, 0, 5, 100}}}, ""},
	} {
		var l lagSignal
		var reason string
		for second, found := range c.readings {
			var err error
			if reason, err = l.evaluate(found, 2*time.Second, at(second)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if (c.reason == "") != (reason == "") || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: got %q, want %q", name, reason, c.reason)
		}
	}
	var l lagSignal
	if _, err := l.evaluate([]follower{{Name: "a", Hidden: true}}, time.Second, start); err == nil {
		t.Error("a hidden lag was read without an error")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var trail history
	start := time.Unix(0, 0)
	for i := range 100_000 {
		trail.add(start.Add(time.Duration(i)*time.Second), int64(i))
	}
	now := start.Add(100_000 * time.Second)
	if len(trail.samples) > maxSamples {
		t.Errorf("%d marks", len(trail.samples))
	}
	if got := trail.age(-1, now); got != 100_000*time.Second {
		t.Errorf("the age of the first sample is %s", got)
	}
	if got := trail.age(50_000, now); got > 50_000*time.Second || got < 49_800*time.Second {
		t.Errorf("the age of the middle is %s", got)
	}
	if got := trail.age(99_999, now); got != 0 {
		t.Errorf("the age of the newest is %s", got)
	}
}

func TestEvaluatesRetainedWAL(t *testing.T) {
	var notices []string
	s := walSignal{}
	s.recordLost([]slot{{"old", "lost", 0}}, func(e event.Event) { notices = append(notices, e.(event.Notice).Text) })
	if len(notices) != 1 || !strings.Contains(notices[0], "slot old had already lost") {
		t.Errorf("the notices are %q", notices)
	}
	for _, c := range []struct {
		slot   slot
		reason string
	}{
		{slot{"a", "reserved", 10 << 30}, ""},
		{slot{"a", "reserved", 11 << 30}, "slot a retains 11 GB of WAL (limit 10 GB)"},
		{slot{"a", "extended", 5}, ""},
		{slot{"a", "unreserved", 5}, "slot a is about to lose"},
		{slot{"a", "lost", 0}, "slot a has lost the WAL"},
		{slot{"old", "lost", 0}, ""},
	} {
		if got := s.evaluate([]slot{c.slot}, DefaultMaxRetainedWAL); (got == "") != (c.reason == "") || !strings.Contains(got, c.reason) {
			t.Errorf("%+v: got %q, want %q", c.slot, got, c.reason)
		}
	}
}

func TestOldestSnapshot(t *testing.T) {
	var s snapshotSignal
	now := time.Unix(1000, 0)
	s.oldest([]holder{{"slot", -1, 100, 101}}, now)
	name, age := s.oldest([]holder{{"slot", -1, 100, 150}, {"pid 1", 30, 0, 150}}, now.Add(40*time.Second))
	if name != "slot" || age != 40*time.Second {
		t.Errorf("%s, %s", name, age)
	}
	var notices []string
	sink := func(e event.Event) { notices = append(notices, e.(event.Notice).Text) }
	s.report("slot", 59*time.Second, sink)
	s.report("slot", 61*time.Second, sink)
	s.report("slot", 62*time.Second, sink)
	s.report("pid 1", 62*time.Second, sink)
	if len(notices) != 2 || !strings.HasPrefix(notices[0], "slot has prevented the removal of dead rows for 1m1s") {
		t.Errorf("the notices are %q", notices)
	}
}
