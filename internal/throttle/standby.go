package throttle

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
)

// standbySignals look whether each standby is there still: while it cannot be read, nobody knows who reads
// there.
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
	return "the server at " + s.Name + " is no standby any more", nil
}
