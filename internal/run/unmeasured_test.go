package run

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// Without a probe a run with a limit works in short batches; one without a limit keeps its speed.
func TestUnmeasuredPace(t *testing.T) {
	for _, c := range []struct {
		speed pace.Speed
		limit float64
		want  pace.Setting
	}{
		{pace.Normal, 0, pace.Setting{Workers: 1, BatchTime: 4 * time.Millisecond, StatementTime: 2 * time.Millisecond, Duty: 1, Flush: pace.FlushByBatch}},
		{pace.Gentle, 2, pace.Setting{Workers: 1, BatchTime: 2 * time.Millisecond, StatementTime: time.Millisecond, Duty: 0.5, Flush: pace.FlushByBatch}},
		{pace.Normal, -1, pace.Setting{}},
		{pace.Full, 0, pace.Setting{}},
		{pace.Full, 1.5, pace.Setting{}},
	} {
		p := pace.New(c.speed, 0)
		p.SetMaxImpact(c.limit)
		if got := unmeasured(p); got != c.want {
			t.Errorf("%s, limit %g: %+v", c.speed, c.limit, got)
		}
	}
}
