package pace

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const target = 50 * time.Millisecond

// run records batches whose units take so much each.
func run(s *Sizer, batches int, cost time.Duration) {
	for range batches {
		s.Record(s.Size(), time.Duration(s.Size())*cost, target)
	}
}

func TestSizerFindsTarget(t *testing.T) {
	for _, cost := range []time.Duration{10 * time.Microsecond, time.Millisecond, 7 * time.Millisecond} {
		s := NewSizer(64, 1, 100_000)
		run(s, 40, cost)
		if took := time.Duration(s.Size()) * cost; took > target || took < target*8/10 {
			t.Errorf("at %s a unit a batch has %d units and takes %s", cost, s.Size(), took)
		}
	}
}

func TestSizerGrowsSlowlyAndShrinksAtOnce(t *testing.T) {
	s := NewSizer(100, 1, 100_000)
	s.Record(100, time.Millisecond, target)
	if s.Size() != 151 {
		t.Errorf("the size grew from 100 to %d", s.Size())
	}
	s.Record(151, 5*target+1, target)
	if s.Size() != 15 {
		t.Errorf("after a fivefold overrun the size went from 151 to %d", s.Size())
	}
	s = NewSizer(100, 1, 100_000)
	run(s, 9, target/100)
	s.Record(100, 3*target, target) // one batch in ten may be slow
	if s.Size() != 100 {
		t.Errorf("after one slow batch of ten the size went from 100 to %d", s.Size())
	}
	s.Record(100, 3*target, target)
	if s.Size() >= 100 {
		t.Errorf("after two slow batches of ten the size is still %d", s.Size())
	}
	before := s.Size()
	s.Record(1, 0, target)
	if s.Size() > before {
		t.Error("the size grew after a batch that was smaller than requested")
	}
}

// Where the overhead dominates, under a slow trigger FOR EACH STATEMENT or on a busy disk, smaller batches are no faster, and
// shrinking them would make the filling take weeks.
func TestSizerKeepsSizeUnderOverhead(t *testing.T) {
	const each = 20 * time.Microsecond
	for name, machine := range map[string]machine{
		"quiet":                                {},
		"a trigger":                            {overhead: 60 * time.Millisecond},
		"a very slow trigger":                  {overhead: 400 * time.Millisecond},
		"some batches stall":                   {overhead: 10 * time.Millisecond, stalls: 0.2, stall: 60 * time.Millisecond},
		"many batches stall":                   {overhead: 10 * time.Millisecond, stalls: 0.4, stall: 60 * time.Millisecond},
		"a trigger, and some batches stall":    {overhead: 60 * time.Millisecond, stalls: 0.1, stall: 200 * time.Millisecond},
		"a slow trigger, many batches stall":   {overhead: 400 * time.Millisecond, stalls: 0.4, stall: 200 * time.Millisecond},
		"one in ten batches stalls for longer": {overhead: time.Millisecond, stalls: 0.1, stall: 600 * time.Millisecond},
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
			t.Errorf("%s: a unit took %s, and costs %s by itself", name, cost, each)
		}
		run(s, 40, each) // without overhead and stalls
		if took := time.Duration(s.Size()) * each; took > target {
			t.Errorf("%s: afterwards a batch of %d units takes %s", name, s.Size(), took)
		}
	}
}

// machine simulates a server on which batches take longer than their units.
type machine struct {
	random   *rand.Rand
	each     time.Duration
	overhead time.Duration // of each batch
	stalls   float64       // share of the batches that stall
	stall    time.Duration // mean duration of a stall
}

func (m machine) batch(units int) time.Duration {
	took := float64(m.overhead+time.Duration(units)*m.each) * (0.8 + 0.4*m.random.Float64())
	if m.random.Float64() < m.stalls {
		took += m.random.ExpFloat64() * float64(m.stall)
	}
	return time.Duration(took)
}

// If many batches stall, no size keeps nine of ten to the target, and units still get their share. The average is below the
// share because each batch that is far too slow is followed by one of a tenth.
func TestSizerLeavesUnitsTheirShare(t *testing.T) {
	m := machine{random: rand.New(rand.NewPCG(1, 2)), each: 20 * time.Microsecond, stalls: 0.4, stall: 200 * time.Millisecond}
	s := NewSizer(2000, 1, 20_000)
	var units int
	for range 3000 {
		units += s.Size()
		s.Record(s.Size(), m.batch(s.Size()), target)
	}
	if spent := time.Duration(units) * m.each / 3000; spent < target/minUnitShare/5 {
		t.Errorf("a batch spends %s on its units on average", spent)
	}
}

// Occasional stalls do not keep the size from shrinking where that helps.
func TestSizerShrinksDespiteStalls(t *testing.T) {
	s := NewSizer(20_000, 1, 20_000)
	for n := range 200 {
		took := 10*time.Millisecond + time.Duration(s.Size())*20*time.Microsecond
		if n%8 == 0 {
			took += 3 * target
		}
		s.Record(s.Size(), took, target)
		if n > 20 && s.Size() > 2000 {
			t.Fatalf("batch %d has %d units", n, s.Size())
		}
	}
}

func TestSizerKeepsBounds(t *testing.T) {
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
				t.Fatalf("the size went from %d to %d with the bounds %d and %d", before, s.Size(), smallest, largest)
			}
		}
		for range 10 {
			s.Shrink()
		}
		if !s.AtMinimum() {
			t.Fatalf("after shrinking ten times the size is %d", s.Size())
		}
	})
}

func TestPace(t *testing.T) {
	var none *Pace
	if reason, _ := none.Paused(); reason != "" || none.BatchTime() != DefaultBatchTime || none.Speed() != Normal {
		t.Error("a nil pace is not the normal pace")
	}
	p := New("", 0)
	_, changed := p.Paused()
	p.Pause("slot", "400 MB are retained")
	p.Pause("lag", "3 s behind")
	select {
	case <-changed:
	default:
		t.Error("the channel is open after a change")
	}
	if reason, _ := p.Paused(); reason != "3 s behind" {
		t.Errorf("paused by %q", reason)
	}
	p.Resume("lag")
	if reason, _ := p.Paused(); reason != "400 MB are retained" {
		t.Errorf("paused by %q", reason)
	}
	p.Resume("slot")
	if reason, _ := p.Paused(); reason != "" {
		t.Errorf("paused by %q", reason)
	}
	p.SetBatchTime(time.Second)
	p.SetSpeed(Gentle)
	if p.BatchTime() != time.Second || p.Rest(time.Second) != 3*time.Second {
		t.Errorf("the batch time is %s, the rest %s", p.BatchTime(), p.Rest(time.Second))
	}
	if p.SetSpeed(Full); p.Rest(time.Hour) != 0 {
		t.Error("full rests")
	}
	for word, want := range map[string]Speed{"": Normal, "gentle": Gentle, "full": Full, "normal": Normal} {
		if got, err := ParseSpeed(word); err != nil || got != want {
			t.Errorf("%q: got %v, %v", word, got, err)
		}
	}
	if _, err := ParseSpeed("fast"); err == nil {
		t.Error("fast is accepted as a speed")
	}
}

// TestSignalNamesTheKind checks the kind of a reason, which a name may follow.
func TestSignalNamesTheKind(t *testing.T) {
	p := New(Full, time.Second)
	if p.Signal() != "" {
		t.Errorf("without a reason: %q", p.Signal())
	}
	p.Pause("standby db2", "it lags")
	p.Pause("lag", "standby db1 lags")
	for _, want := range []string{"lag", "standby"} {
		if got := p.Signal(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		p.Resume(want)
	}
}
