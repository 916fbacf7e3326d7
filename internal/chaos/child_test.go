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

// orderVariable carries an order to the process that rekey runs in.
const orderVariable = "REKEY_CHAOS_ORDER"

// order is what a process is to do.
type order struct {
	URL   string        `json:"url"`
	Pace  string        `json:"pace"`
	Batch time.Duration `json:"batch"`
	Lag   time.Duration `json:"lag"`
}

// obey carries an order out, as a host would; its events go to standard output, a line each.
func obey(text string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // it ends when the test does
		os.Exit(3)
	}()
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	pool, err := pgxpool.New(ctx, o.URL)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	config := config()
	config.Options.Backfill = rekey.BackfillOptions{Pace: rekey.Pace(o.Pace), BatchTime: o.Batch}
	config.Options.Throttle.MaxLag = o.Lag
	config.Options.OnEvent = func(e event.Event) {
		if line, err := event.Line(e, time.Now()); err == nil {
			_, _ = os.Stdout.Write(line)
		}
	}
	result, err := rekeytest.Up(ctx, pool, config)
	if err != nil && result.Exit == 0 {
		fmt.Fprintln(os.Stderr, "no result: ", err)
	}
	return 0 // the result tells; only a race or a panic makes it another one
}
