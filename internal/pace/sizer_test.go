package pace

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const target = 50 * time.Millisecond

// run lets a servo make batches whose units cost so much each.
func run(s *Sizer, batches int, cost time.Duration) {
	for range batches {
		s.Record(s.Size(), time.Duration(s.Size())*cost, target)
	}
}

func TestServoFindsTarget(t *testing.T) {
	for _, cost := range []time.Duration{10 * time.Microsecond, time.Millisecond, 7 * time.Millisecond} {
		s := NewSizer(64, 1, 100_000)
		run(s, 40, cost)
		if took := time.Duration(s.Size()) * cost; took > target || took < target*8/10 {
			t.Errorf("at %s a unit it has %d units: %s", cost, s.Size(), took)
		}
	}
}

func TestServoGrowsSlowlyAndShrinksAtOnce(t *testing.T) {
	s := NewSizer(100, 1, 100_000)
	s.Record(100, time.Millisecond, target)
	if s.Size() != 151 {
		t.Errorf("grew from 100 to %d", s.Size())
	}
	s.Record(151, 5*target+1, target)
	if s.Size() != 15 {
		t.Errorf("after a fivefold overrun 151 became %d", s.Size())
	}
	s = NewSizer(100, 1, 100_000)
	run(s, 9, target/100)
	s.Record(100, 3*target, target) // one in ten may be slow
	if s.Size() != 100 {
		t.Errorf("one slow batch of ten made 100 %d", s.Size())
	}
	s.Record(100, 3*target, target)
	if s.Size() >= 100 {
		t.Errorf("two slow batches of ten left %d", s.Size())
	}
	before := s.Size()
	s.Record(1, 0, target)
	if s.Size() > before {
		t.Error("a batch that was smaller than asked for made it grow")
	}
}

// Batches that are slow whatever their size would be as slow with a few rows, and would take weeks: under a slow trigger FOR EACH
// STATEMENT, or where others keep the disk busy.
func TestServoDoesNotShrinkInVain(t *testing.T) {
	const each = 20 * time.Microsecond
	for name, machine := range map[string]machine{
		"quiet":                              {},
		"a trigger":                          {overhead: 60 * time.Millisecond},
		"a very slow trigger":                {overhead: 400 * time.Millisecond},
		"some stand still":                   {overhead: 10 * time.Millisecond, stalls: 0.2, stall: 60 * time.Millisecond},
		"many stand still":                   {overhead: 10 * time.Millisecond, stalls: 0.4, stall: 60 * time.Millisecond},
		"a trigger, and some stand still":    {overhead: 60 * time.Millisecond, stalls: 0.1, stall: 200 * time.Millisecond},
		"a slow trigger, many stand still":   {overhead: 400 * time.Millisecond, stalls: 0.4, stall: 200 * time.Millisecond},
		"one in ten stands still for longer": {overhead: time.Millisecond, stalls: 0.1, stall: 600 * time.Millisecond},
	} {
		machine.random, machine.each = rand.New(rand.NewPCG(1, 2)), each
		s := NewSizer(2000, 10, 20_000)
		var units int
		var took time.Duration
		for range 3000 {
			one := machine.batch(s.Size())
			units, took = units+s.Size(), took+one
			s.Record(s.Size(), one, target)
		}
		if cost := took / time.Duration(units); cost > 8*each {
			t.Errorf("%s: %s a unit, where one costs %s by itself", name, cost, each)
		}
		run(s, 40, each) // it is over
		if took := time.Duration(s.Size()) * each; took > target {
			t.Errorf("%s: once it is over a batch of %d units takes %s", name, s.Size(), took)
		}
	}
}

// machine is one on which batches take longer than their units cost.
type machine struct {
	random   *rand.Rand
	each     time.Duration
	overhead time.Duration // whatever the size
	stalls   float64       // the share of the batches that stand still
	stall    time.Duration // for so long, on average
}

func (m machine) batch(units int) time.Duration {
	took := float64(m.overhead+time.Duration(units)*m.each) * (0.8 + 0.4*m.random.Float64())
	if m.random.Float64() < m.stalls {
		took += m.random.ExpFloat64() * float64(m.stall)
	}
	return time.Duration(took)
}

// Where many stand still, nine of ten keep to the target at no size: batches do not get so small that they do nearly nothing. Each that
// is far too slow is followed by a tenth, so that the average is below the share.
func TestServoLeavesUnitsTheirShare(t *testing.T) {
	m := machine{random: rand.New(rand.NewPCG(1, 2)), each: 20 * time.Microsecond, stalls: 0.4, stall: 200 * time.Millisecond}
	s := NewSizer(2000, 1, 20_000)
	var units int
	for range 3000 {
		units += s.Size()
		s.Record(s.Size(), m.batch(s.Size()), target)
	}
	if spent := time.Duration(units) * m.each / 3000; spent < target/minUnitShare/5 {
		t.Errorf("a batch takes %s on average for its units", spent)
	}
}

// Where it is of use to shrink, batches that stand still now and then do not keep others from it.
func TestServoShrinksBesideStalls(t *testing.T) {
	s := NewSizer(20_000, 1, 20_000)
	for n := range 200 {
		took := 10*time.Millisecond + time.Duration(s.Size())*20*time.Microsecond
		if n%8 == 0 {
			took += 3 * target
		}
		s.Record(s.Size(), took, target)
		if n > 20 && s.Size() > 2000 {
			t.Fatalf("batch %d is to have %d units", n, s.Size())
		}
	}
}

func TestServoKeepsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		smallest := rapid.IntRange(1, 100).Draw(t, "floor")
		largest := rapid.IntRange(smallest, 10_000).Draw(t, "ceiling")
		s := NewSizer(rapid.IntRange(0, 20_000).Draw(t, "first"), smallest, largest)
		for range rapid.IntRange(1, 50).Draw(t, "batches") {
			before := s.Size()
			units := rapid.IntRange(0, 20_000).Draw(t, "units")
			took := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "took"))
			s.Record(units, took, time.Duration(rapid.Int64Range(1, int64(10*time.Second)).Draw(t, "target")))
			if s.Size() < smallest || s.Size() > largest || s.Size() > before*3/2+1 {
				t.Fatalf("from %d to %d within %d and %d", before, s.Size(), smallest, largest)
			}
		}
		for range 10 {
			s.Shrink()
		}
		if !s.AtMinimum() {
			t.Fatalf("split ten times, %d left", s.Size())
		}
	})
}

func TestPace(t *testing.T) {
	var none *Pace
	if reason, _ := none.Paused(); reason != "" || none.BatchTime() != DefaultBatchTime || none.Speed() != Normal {
		t.Error("nil is not the normal pace")
	}
	p := New("", 0)
	_, changed := p.Paused()
	p.Pause("slot", "400 MB are retained")
	p.Pause("lag", "3 s behind")
	select {
	case <-changed:
	default:
		t.Error("nobody was told of the change")
	}
	if reason, _ := p.Paused(); reason != "3 s behind" {
		t.Errorf("held by %q", reason)
	}
	p.Resume("lag")
	if reason, _ := p.Paused(); reason != "400 MB are retained" {
		t.Errorf("held by %q", reason)
	}
	p.Resume("slot")
	if reason, _ := p.Paused(); reason != "" {
		t.Errorf("held by %q", reason)
	}
	p.SetBatchTime(time.Second)
	p.SetSpeed(Gentle)
	if p.BatchTime() != time.Second || p.Rest(time.Second) != 3*time.Second {
		t.Errorf("batch %s, rest %s", p.BatchTime(), p.Rest(time.Second))
	}
	if p.SetSpeed(Full); p.Rest(time.Hour) != 0 {
		t.Error("full rests")
	}
	for word, want := range map[string]Speed{"": Normal, "gentle": Gentle, "full": Full, "normal": Normal} {
		if got, err := ParseSpeed(word); err != nil || got != want {
			t.Errorf("%q: %v %v", word, got, err)
		}
	}
	if _, err := ParseSpeed("fast"); err == nil {
		t.Error("fast is a speed")
	}
}
