package throttle

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/wraparound.sql
var wraparoundSQL string

// wraparound returns a reason while an autovacuum prevents transaction ID wraparound on the table: it does not yield to
// others, and every row filled in the meantime is work for the next vacuum.
func (w *Watch) wraparound(ctx context.Context) (string, error) {
	_, activity := w.current()
	if activity.Table == "" {
		return "", nil
	}
	var pid int
	err := w.query(ctx, func(tx pg.Tx) error {
		return tx.QueryRow(ctx, wraparoundSQL, activity.Table).Scan(&pid)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return fmt.Sprintf("an autovacuum to prevent wraparound is running on %s (pid %d)", activity.Table, pid), err
}
