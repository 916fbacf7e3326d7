//go:build unix

package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// shortFaults is how many faults a version gets in the tests of every day.
const shortFaults = 5

// TestChaos brings rekey to its end, again and again, however it is disturbed.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed, faults := fromEnvironment(t)
	majors := servertest.Versions(t)
	counted := &tally{faults: map[kind]int{}}
	began := time.Now()
	t.Logf("REKEY_CHAOS_SEED=%d", seed)
	each, long := shortFaults, false
	if faults > 0 {
		each, long = (faults+len(majors)-1)/len(majors), true
	}
	t.Run("on", func(t *testing.T) {
		for place, major := range majors {
			t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
				t.Parallel()
				h := settle(t, major, nil)
				h.calm()
				d := newDeck(seed, major, each, long)
				if !long {
					d.short(place)
				}
				for number := 1; !d.empty() && !t.Failed(); number++ {
					newTrial(t, h, d, counted, seed, number).run()
				}
			})
		}
	})
	result := "ok"
	if t.Failed() {
		result = "FAILED"
	}
	t.Logf("chaos: seed %d, %s, versions %s, %.0f s: %s", seed, counted,
		strings.Trim(fmt.Sprint(majors), "[]"), time.Since(began).Seconds(), result)
}

// each runs a test on every version in the long form, and on one of them otherwise: place says on which,
// so that tests side by side take different ones.
func each(t *testing.T, place int, test func(t *testing.T, major int)) {
	t.Helper()
	majors := servertest.Versions(t)
	if _, faults := fromEnvironment(t); faults == 0 {
		majors = majors[place%len(majors):][:1]
	}
	for _, major := range majors {
		t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
			t.Parallel()
			test(t, major)
		})
	}
}

// fromEnvironment gives the seed and the number of faults in all, 0 for the short form.
func fromEnvironment(t *testing.T) (seed uint64, faults int) {
	t.Helper()
	seed = rand.Uint64N(1_000_000_000)
	var err error
	if text := os.Getenv("REKEY_CHAOS_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("REKEY_CHAOS_SEED: %v", err)
		}
	}
	if text := os.Getenv("REKEY_CHAOS"); text != "" {
		if faults, err = strconv.Atoi(text); err != nil || faults < 1 {
			t.Fatalf("REKEY_CHAOS=%q is no number of faults", text)
		}
	}
	return seed, faults
}
