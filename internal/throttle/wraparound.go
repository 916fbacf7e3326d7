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

// wraparound objects while the server saves the table from the wraparound of transaction ids: such a
// vacuum yields to nobody, and every row that is filled meanwhile is work for the next.
func (w *Watch) wraparound(ctx context.Context) (string, error) {
	_, place := w.current()
	if place.Table == "" {
		return "", nil
	}
	var pid int
	err := w.query(ctx, func(tx pg.Tx) error {
		return tx.QueryRow(ctx, wraparoundSQL, place.Table).Scan(&pid)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return fmt.Sprintf("an autovacuum to prevent wraparound is at work on %s (pid %d)", place.Table, pid), err
}
