package journal

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
)

const savePauseReason = `INSERT INTO rekey.standstills (scope, token, reason, since)
SELECT scope, token, $3::text, clock_timestamp()
FROM rekey.leases
WHERE scope = $1 AND token = $2::uuid
ON CONFLICT (scope) DO UPDATE SET token = excluded.token, reason = excluded.reason,
    since = CASE WHEN standstills.token = excluded.token THEN standstills.since ELSE excluded.since END`

// SetPauseReason records why the run pauses, for [ActiveRun]; "" ends the pause. A new reason during a pause keeps
// the time at which the pause began.
func (l *Lease) SetPauseReason(ctx context.Context, reason string) error {
	return pg.Run(ctx, l.pool, shortTx(), func(tx pg.Tx) error {
		if reason == "" {
			_, err := tx.Exec(ctx, deletePauseReason, l.token)
			return err
		}
		_, err := tx.Exec(ctx, savePauseReason, l.schema, l.token, reason)
		return err
	})
}

const deletePauseReason = "DELETE FROM rekey.standstills WHERE token = $1::uuid"
