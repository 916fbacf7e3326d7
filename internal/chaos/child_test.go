//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/rekeytest"
)

// requestVariable is the environment variable that passes a request to the process in which rekey runs.
const requestVariable = "REKEY_CHAOS_ORDER"

// request contains the options of a run in a process.
type request struct {
	URL   string        `json:"url"`
	Pace  string        `json:"pace"`
	Batch time.Duration `json:"batch"`
	Lag   time.Duration `json:"lag"`
	// Schema selects a run without a profile, to the phase To. Down is its way back.
	Schema string      `json:"schema,omitempty"`
	To     rekey.Phase `json:"to,omitempty"`
	Down   bool        `json:"down,omitempty"`
}

// setup returns the migration that the request describes.
func (o request) setup() rekeytest.Setup {
	s := config()
	if o.Schema != "" {
		s.Scope, s.Options.To = rekey.Schema{Name: o.Schema}, o.To
		s.Options.Accept = []rekey.HazardName{
			rekey.HazardGroupBy, rekey.HazardOnConflictConstraint, rekey.HazardOnConflictRace,
			rekey.HazardLostObjects, rekey.HazardIntegerReads,
		}
		if o.To == rekey.Contracted {
			s.Options.Confirm, s.Options.Soak = o.Schema, rekey.NoSoak
		}
	}
	s.Options.Backfill = rekey.BackfillOptions{Pace: rekey.Pace(o.Pace), BatchTime: o.Batch}
	s.Options.Throttle.MaxLag = o.Lag
	return s
}

// runRequest runs rekey as a host would. It writes the events to standard output, one per line.
func runRequest(text string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // standard input ends when the test does
		os.Exit(3)
	}()
	var o request
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	pool, err := pgxpool.New(ctx, o.URL)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	config := o.setup()
	config.Options.OnEvent = func(e event.Event) {
		if line, err := event.Line(e, time.Now()); err == nil {
			_, _ = os.Stdout.Write(line)
		}
	}
	run := rekeytest.Up
	if o.Down {
		run = rekeytest.Down
	}
	result, err := run(ctx, pool, config)
	if err != nil && result.Exit == 0 {
		fmt.Fprintln(os.Stderr, "no result: ", err)
	}
	return 0 // the result is in the events; only a race or a panic changes the exit code
}
