package acceptance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// runFunc is rekeytest.Up or rekeytest.Down.
type runFunc func(context.Context, *pgxpool.Pool, rekeytest.Setup) (event.Result, error)

// hazards returns all hazards.
func hazards() []rekey.HazardName {
	return []rekey.HazardName{
		rekey.HazardGroupBy, rekey.HazardOnConflictConstraint, rekey.HazardOnConflictRace,
		rekey.HazardLostObjects, rekey.HazardIntegerReads, rekey.HazardReplicaIdentity,
	}
}

// trip is a schema whose phases change.
type trip struct {
	*testing.T
	pool   *pgxpool.Pool
	schema string
	number string // of the acceptance test
	major  int
}

// run goes to a phase and logs the figures.
func (r trip) run(direction string, to rekey.Phase) *swaps {
	r.Helper()
	var seen swaps
	setup := rekeytest.Setup{Scope: rekey.Schema{Name: r.schema}, Options: rekey.Options{To: to, OnEvent: seen.event}}
	if to == rekey.Switched || to == rekey.Contracted {
		setup.Options.Accept = hazards()
	}
	if to == rekey.Contracted {
		setup.Options.Confirm, setup.Options.Soak = r.schema, rekey.NoSoak
	}
	call := map[string]runFunc{"up": rekeytest.Up, "down": rekeytest.Down}[direction]
	begun := time.Now()
	if _, err := call(r.Context(), r.pool, setup); err != nil {
		r.Fatalf("%s --to %s: %v", direction, to, err)
	}
	r.Logf("acceptance %s: PostgreSQL %d, %s --to %s: %.1f s; %s", r.number, r.major, direction, to, time.Since(begun).Seconds(), &seen)
	if direction == "up" {
		if report, err := rekeytest.Verify(r.Context(), r.pool, setup); err != nil {
			r.Errorf("verify of %s: %v: %v", to, err, report.Differences)
		}
	}
	return &seen
}

// catalogue returns the fingerprint of the schema without its rows.
func (r trip) catalogue() []string {
	r.Helper()
	lines, err := steptest.Fingerprint(r.Context(), r.pool, r.schema, "")
	if err != nil {
		r.Fatal(err)
	}
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "rows of ") })
}

// same fails unless the catalogue is as it was.
func (r trip) same(when string, want []string) {
	r.Helper()
	if diff := cmp.Diff(want, r.catalogue()); diff != "" {
		r.Errorf("%s (-before +after)\n%.3000s", when, diff)
	}
}

// swaps collects how long locks were held: by swaps of primary keys, and by other changes.
type swaps struct {
	sql          string
	swap, others []time.Duration
	waited       time.Duration
	refused      int
}

func (s *swaps) event(e event.Event) {
	switch e := e.(type) {
	case event.Executing:
		s.sql += e.SQL + "; "
	case event.Locked:
		if strings.Contains(s.sql, " PRIMARY KEY ") {
			s.swap = append(s.swap, e.Hold)
		} else {
			s.others = append(s.others, e.Hold)
		}
		s.sql, s.waited = "", max(s.waited, e.Wait)
	case event.LockRefused:
		s.refused++
	}
}

func (s *swaps) String() string {
	over := 0
	for _, held := range slices.Concat(s.swap, s.others) {
		if held > 50*time.Millisecond {
			over++
		}
	}
	return fmt.Sprintf("%d swaps of primary keys held their locks for %.1f ms at most, %d other changes for %.1f ms, %d of all for more than 50 ms; waited %.1f ms at most; %d attempts refused",
		len(s.swap), longest(s.swap), len(s.others), longest(s.others), over, milliseconds(s.waited), s.refused)
}

func longest(all []time.Duration) float64 {
	if len(all) == 0 {
		return 0
	}
	return milliseconds(slices.Max(all))
}
