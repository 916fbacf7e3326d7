package pace_test

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

func TestStatements(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		setting pace.Setting
		trip    time.Duration
		want    int
	}{
		{pace.Setting{BatchTime: 50 * ms}, 0, 1}, // without a limit of the impact
		{pace.Setting{BatchTime: ms, Flush: pace.FlushByBatch}, 0, 1},
		{pace.Setting{BatchTime: 4 * ms, Flush: pace.FlushByBatch}, ms, 2},
		{pace.Setting{BatchTime: 8 * ms, Flush: pace.FlushByBatch}, ms, 4},
		{pace.Setting{BatchTime: 50 * ms, Flush: pace.FlushByFlusher}, ms, 8},
		{pace.Setting{BatchTime: 8 * ms, Flush: pace.FlushByBatch}, 3 * ms, 1}, // round trips would take longer than the work
	} {
		if got := test.setting.Statements(test.trip); got != test.want {
			t.Errorf("%+v, round trip %s: %d statements, want %d", test.setting, test.trip, got, test.want)
		}
	}
}
