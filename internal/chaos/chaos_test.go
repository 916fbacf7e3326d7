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

// shortFaults is the number of faults per version in the short form.
const shortFaults = 5

// TestChaos completes runs of rekey under faults.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed, faults := fromEnvironment(t)
	majors := servertest.Versions(t)
	counted := &counts{faults: map[kind]int{}}
	started := time.Now()
	t.Logf("REKEY_CHAOS_SEED=%d", seed)
	each, long := shortFaults, false
	if faults > 0 {
		each, long = (faults+len(majors)-1)/len(majors), true
	}
	t.Run("on", func(t *testing.T) {
		for place, major := range majors {
			t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
				t.Parallel()
				h := startServer(t, major, nil)
				h.runUndisturbed()
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
		strings.Trim(fmt.Sprint(majors), "[]"), time.Since(started).Seconds(), result)
}

// each runs a test on every version in the long form, and on one version otherwise. The argument place selects it, so
// that tests that run in parallel use different versions.
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

// fromEnvironment returns the seed and the total number of faults, 0 for the short form.
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
			t.Fatalf("REKEY_CHAOS=%q is not a number of faults", text)
		}
	}
	return seed, faults
}
