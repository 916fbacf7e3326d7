package journal

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
)

const noteStandstill = `INSERT INTO rekey.standstills (scope, token, reason, since)
SELECT scope, token, $3::text, clock_timestamp()
FROM rekey.leases
WHERE scope = $1 AND token = $2::uuid
ON CONFLICT (scope) DO UPDATE SET token = excluded.token, reason = excluded.reason,
    since = CASE WHEN standstills.token = excluded.token THEN standstills.since ELSE excluded.since END`

// StandStill notes why the run stands still, for those who ask how it is; "" is that it goes on. Another
// reason for the same standstill leaves the time at which that began.
func (l *Lease) SetPauseReason(ctx context.Context, reason string) error {
	return pg.Run(ctx, l.pool, brief(), func(tx pg.Tx) error {
		if reason == "" {
			_, err := tx.Exec(ctx, forgetStandstill, l.token)
			return err
		}
		_, err := tx.Exec(ctx, noteStandstill, l.scope, l.token, reason)
		return err
	})
}

const forgetStandstill = "DELETE FROM rekey.standstills WHERE token = $1::uuid"
