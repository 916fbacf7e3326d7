package throttle

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
)

// standbySignals returns a signal for each standby of the limits, which pauses the run while the standby cannot be read:
// its snapshots are unknown then.
func (w *Watch) standbySignals() []*signal {
	var all []*signal
	for _, s := range w.limits.Standbys {
		all = append(all, &signal{
			name: Standby, key: Standby + " " + s.Name, description: "standby " + s.Name,
			read: func(ctx context.Context) (string, error) { return standbyReason(ctx, s) },
		})
	}
	return all
}

func standbyReason(ctx context.Context, s *pg.Standby) (string, error) {
	yes, err := s.Recovering(ctx)
	if err != nil || yes {
		return "", err
	}
	return "the server at " + s.Name + " is no longer a standby", nil
}
