package throttle

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/snapshots.sql
var snapshotsSQL string

// holder prevents the removal of dead rows.
type holder struct {
	Holder   string
	Age      float64 // seconds; negative if only Position is known
	Position int64   // transaction ID of its xmin
	Next     int64   // next transaction ID of the server
}

// reportAge is the age from which a holder is reported, once.
const reportAge = time.Minute

// snapshotSignal reads only while rows are filled: only then do dead rows accumulate, and only then is none of the long
// transactions rekey's own.
type snapshotSignal struct {
	history  history
	reported map[string]bool
}

func (s *snapshotSignal) read(ctx context.Context, w *Watch) (string, error) {
	limits, activity := w.current()
	if !activity.Filling {
		return "", nil
	}
	var found []holder
	err := w.query(ctx, func(tx pg.Tx) error {
		rows, err := tx.Query(ctx, snapshotsSQL)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[holder])
		return err
	})
	if err != nil {
		return "", err
	}
	name, age := s.oldest(found, time.Now())
	s.report(name, age, w.emit)
	if limits.MaxSnapshotAge <= 0 || age <= limits.MaxSnapshotAge {
		return "", nil
	}
	return fmt.Sprintf("%s has prevented the removal of dead rows for %s (limit %s)",
		name, age.Round(time.Second), limits.MaxSnapshotAge), nil
}

func (s *snapshotSignal) oldest(found []holder, now time.Time) (name string, oldest time.Duration) {
	for _, h := range found {
		s.history.add(now, h.Next)
		age := time.Duration(h.Age * float64(time.Second))
		if h.Age < 0 {
			age = s.history.age(h.Position, now)
		}
		if age > oldest {
			name, oldest = h.Holder, age
		}
	}
	return name, oldest
}

func (s *snapshotSignal) report(name string, age time.Duration, emit event.Sink) {
	if age < reportAge || s.reported[name] {
		return
	}
	if s.reported == nil {
		s.reported = map[string]bool{}
	}
	s.reported[name] = true
	emit.Emit(event.Notice{Text: fmt.Sprintf("%s has prevented the removal of dead rows for %s: until it ends, tables grow by the rows that are filled", name, age.Round(time.Second))})
}
