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
	readTimeout  = 5 * time.Minute // of a region, from a cold disk
)

// reading are the settings of a transaction that reads a region. Nothing of the table's rows is held by it.
func readSettings() pg.Settings {
	return pg.Settings{Lock: backfill.LockTimeout, Statement: readTimeout, SynchronousCommit: "off"}
}

// lasting are those of one that writes down what must outlive a crash.
func durableSettings() pg.Settings {
	return pg.Settings{Lock: backfill.LockTimeout, Statement: readTimeout}
}

// transaction runs work with the planner kept on the key's index: where statistics are missing or stale it might
// think that a part is most of the table.
func (f *filler) runTransaction(ctx context.Context, s pg.Settings, work func(pg.Tx) error) error {
	s.ByIndex = true
	return f.RunTransaction(ctx, func() pg.Settings { return s }, work)
}

// attempt is transaction for a batch, which can be made smaller when it runs into a timeout.
func (f *filler) runBatch(ctx context.Context, s pg.Settings, work func(pg.Tx) error) error {
	s.ByIndex = true
	return f.RunBatch(ctx, func() pg.Settings { return s }, work)
}
