package run

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/step"
)

const (
	firstUnread   = 100 * time.Millisecond
	longestUnread = time.Minute
)

// unread waits until nobody on a standby would hold the end of a DROP INDEX CONCURRENTLY up: it locks the
// index ACCESS EXCLUSIVE when on the primary nobody uses it any more, and on a standby every reader of
// the table holds a lock on its indexes.
func (e *Executor) unread(ctx context.Context, t step.Target) error {
	table := t.Relation()
	pause := firstUnread
	for tries, begun := 1, time.Now(); ; tries++ {
		blockers := pg.StandbyBlockers(ctx, e.Standbys, table, e.Limits.LockTimeout)
		if len(blockers) == 0 {
			return nil
		}
		if time.Since(begun) > e.Limits.LockRetryTimeout {
			return message.NoLock(t.String(), tries, e.Limits.LockRetryTimeout, words(blockers), nil)
		}
		wait := pause/2 + rand.N(pause)
		e.refused(t.String(), pg.FailedAttempt{Table: table, Attempts: tries, Blockers: blockers, Pause: wait})
		if err := e.pause(ctx, wait); err != nil {
			return err
		}
		asked := time.Now()
		if err := e.still(ctx); err != nil {
			return err
		}
		begun = begun.Add(time.Since(asked))
		pause = min(2*pause, longestUnread)
	}
}
