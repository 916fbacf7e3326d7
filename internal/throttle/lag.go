package throttle

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/lag.sql
var lagSQL string

// follower is a standby or a logical subscriber.
type follower struct {
	Name              string
	Hidden            bool
	Lag               float64 // seconds, as measured by the server
	Replayed, Written int64   // bytes
}

// hiddenError reports a figure that the role may not see.
type hiddenError struct{ what, name string }

func (e *hiddenError) Error() string {
	return fmt.Sprintf("%s of %s is not visible to this role", e.what, e.name)
}

// lagSignal keeps a history of its own: the server computes its figure from a standby's replies, and keeps showing the last
// one of a standby that stopped replying.
type lagSignal struct{ history history }

func readFollowers(ctx context.Context, tx pg.Tx) ([]follower, error) {
	found, err := tx.Query(ctx, lagSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[follower])
}

func (l *lagSignal) read(ctx context.Context, w *Watch) (reason string, err error) {
	limits, _ := w.current()
	err = w.query(ctx, func(tx pg.Tx) error {
		found, err := readFollowers(ctx, tx)
		if err == nil {
			reason, err = l.evaluate(found, limits.MaxLag, time.Now())
		}
		return err
	})
	return reason, err
}

func (l *lagSignal) evaluate(found []follower, limit time.Duration, now time.Time) (string, error) {
	var worst time.Duration
	var name string
	for _, f := range found {
		if f.Hidden {
			return "", &hiddenError{"the lag", f.Name}
		}
		l.history.add(now, f.Written)
		if lag := l.lag(f, now); lag > worst {
			worst, name = lag, f.Name
		}
	}
	if worst <= limit {
		return "", nil
	}
	return fmt.Sprintf("standby %s is %s behind (limit %s)", name, worst.Round(time.Second/10), limit), nil
}

func (l *lagSignal) lag(f follower, now time.Time) time.Duration {
	if f.Replayed >= f.Written {
		return 0 // everything is replayed, and the server's figure is old
	}
	return max(time.Duration(f.Lag*float64(time.Second)), l.history.age(f.Replayed, now))
}
