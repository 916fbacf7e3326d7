package throttle

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/wal.sql
var walSQL string

// slot is a replication slot.
type slot struct {
	Name     string
	Status   string // pg_replication_slots.wal_status
	Retained int64  // bytes
}

// walSignal records which slots were lost before the run: the run did not cause that, and waiting does not restore them.
type walSignal struct{ lost map[string]bool }

func (s *walSignal) read(ctx context.Context, w *Watch) (string, error) {
	limits, _ := w.current()
	var found []slot
	err := w.query(ctx, func(tx pg.Tx) error {
		rows, err := tx.Query(ctx, walSQL)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[slot])
		return err
	})
	if err != nil {
		return "", err
	}
	if s.lost == nil {
		s.recordLost(found, w.emit)
	}
	return s.evaluate(found, limits.MaxRetainedWAL), nil
}

func (s *walSignal) recordLost(found []slot, emit event.Sink) {
	s.lost = map[string]bool{}
	for _, f := range found {
		if f.Status == "lost" {
			s.lost[f.Name] = true
			emit.Emit(event.Notice{Text: fmt.Sprintf("replication slot %s had already lost its WAL before the run and is ignored", f.Name)})
		}
	}
}

func (s *walSignal) evaluate(found []slot, limit int64) string {
	for _, f := range found {
		switch {
		case f.Status == "lost" && !s.lost[f.Name]:
			return fmt.Sprintf("replication slot %s has lost the WAL that it needs", f.Name)
		case f.Status == "unreserved":
			return fmt.Sprintf("replication slot %s is about to lose the WAL that it needs", f.Name)
		case f.Retained > limit:
			return fmt.Sprintf("replication slot %s retains %s of WAL (limit %s)", f.Name, bytes(f.Retained), bytes(limit))
		}
	}
	return ""
}

// bytes formats a size as PostgreSQL does, rounded down.
func bytes(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	i := 0
	for n >= 10<<10 && i < len(units)-1 {
		n, i = n>>10, i+1
	}
	return fmt.Sprintf("%d %s", n, units[i])
}
