package run

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	firstStandbyPause = 100 * time.Millisecond
	maxStandbyPause   = time.Minute
)

// awaitStandbys waits until no session on a standby would delay the replay of DROP INDEX CONCURRENTLY. The last
// phase of that statement locks the index ACCESS EXCLUSIVE, and on a standby every reader of the table holds a lock
// on its indexes.
func (e *Executor) awaitStandbys(ctx context.Context, table sqltext.Table) error {
	pause := firstStandbyPause
	for attempts, start := 1, time.Now(); ; attempts++ {
		blockers := pg.StandbyBlockers(ctx, e.Standbys, table, e.Limits.LockTimeout)
		if len(blockers) == 0 {
			return nil
		}
		if time.Since(start) > e.Limits.LockRetryTimeout {
			return message.LockTimeout(table.String(), attempts, e.Limits.LockTimeout, e.Limits.LockRetryTimeout, describe(blockers), nil)
		}
		wait := pause/2 + rand.N(pause)
		e.attemptFailed(table.String(), true, pg.FailedAttempt{Table: sqltext.Format("{}", table), Attempts: attempts, Blockers: blockers, Pause: wait})
		if err := e.sleep(ctx, wait); err != nil {
			return err
		}
		called := time.Now()
		if err := e.waitOrEnd(ctx); err != nil {
			return err
		}
		start = start.Add(time.Since(called))
		pause = min(2*pause, maxStandbyPause)
	}
}
