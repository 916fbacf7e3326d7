package ordered

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	firstPause   = 20 * time.Millisecond
	longestPause = 5 * time.Second
	readTimeout  = 5 * time.Minute // enough to read a region from a cold disk
)

// readSettings returns the settings of a transaction that reads a region. It locks no rows.
func readSettings() pg.Settings {
	return pg.Settings{Lock: backfill.LockTimeout, Statement: readTimeout, SynchronousCommit: "off"}
}

// durableSettings returns the settings of a transaction whose result must survive a crash.
func durableSettings() pg.Settings {
	return pg.Settings{Lock: backfill.LockTimeout, Statement: readTimeout}
}

// runTransaction runs work with the planner restricted to the key's index: with missing or stale statistics it could prefer a
// scan of the whole table.
func (f *filler) runTransaction(ctx context.Context, s pg.Settings, work func(pg.Tx) error) error {
	s.ByIndex = true
	return f.RunTransaction(ctx, func() pg.Settings { return s }, work)
}

// runBatch is runTransaction for a batch, which can be made smaller after a timeout.
func (f *filler) runBatch(ctx context.Context, s pg.Settings, work func(pg.Tx) error) error {
	s.ByIndex = true
	return f.RunBatch(ctx, func() pg.Settings { return s }, work)
}
