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
		{pace.Setting{BatchTime: ms, StatementTime: 2 * ms}, 0, 1},
		{pace.Setting{BatchTime: 4 * ms, StatementTime: 2 * ms}, ms, 2},
		{pace.Setting{BatchTime: 12 * ms, StatementTime: ms / 2}, ms / 4, 24},
		{pace.Setting{BatchTime: 50 * ms, StatementTime: ms}, ms, 32},
		{pace.Setting{BatchTime: 12 * ms, StatementTime: ms}, 3 * ms, 4}, // round trips would take longer than the work
		{pace.Setting{BatchTime: 12 * ms, StatementTime: ms}, 20 * ms, 1},
	} {
		if got := test.setting.Statements(test.trip); got != test.want {
			t.Errorf("%+v, round trip %s: %d statements, want %d", test.setting, test.trip, got, test.want)
		}
	}
}
