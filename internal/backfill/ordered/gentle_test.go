package ordered

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// gentle returns the setting of a run under a limit of the impact.
func gentle(duty float64) pace.Setting {
	return pace.Setting{Workers: 1, BatchTime: 12 * time.Millisecond, StatementTime: time.Millisecond, Duty: duty, Flush: pace.FlushByFlusher}
}

// TestFillsGently checks that short statements fill and order the same rows, with keys of each kind.
func TestFillsGently(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, s := range map[string]tableCase{
			"integer": tableCases()["whole seconds"], "pair": tableCases()["whole seconds"].withPairKey(), "text": tableCases()["microseconds"].withTextKey(),
		} {
			b := newEnv(t, c, s.sql+addUUID).withKey(s)
			w := smallRegions(b.job())
			w.Pace.Set(gentle(1))
			if result := b.fill(w); result.Rows != rows {
				t.Errorf("%s: %d rows", name, result.Rows)
			}
			b.requireOrder(s.time)
		}
	})
}

// TestRestsAfterReading checks that a worker that hardly works pauses after it has read a region, and not in the transaction, whose snapshot
// would keep dead rows, and that the end of the run ends a read.
func TestRestsAfterReading(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, tableCases()["microseconds"].sql+addUUID)
		w := b.job()
		stop := make(chan struct{})
		w.Stop = stop
		w.Pace.Set(gentle(0.001))
		m := w.method()
		var in buffer
		read := func(tx pg.Tx) error {
			_, err := m.readRows(t.Context(), tx, m.sql.first(keyRange{}, rows), &in, math.MaxInt)
			return err
		}
		began := time.Now()
		if err := m.Transaction(t.Context(), readSettings, read); err != nil || len(in.rows) != rows {
			t.Fatalf("%d rows, %v", len(in.rows), err)
		}
		took := time.Since(began)
		if took > 3*time.Second { // a thousand times as long with the pauses
			t.Errorf("the transaction took %s", took)
		}
		began = time.Now()
		if err := m.read(t.Context(), read); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < longestReadRest {
			t.Errorf("it went on after %s", took)
		}
		close(stop)
		if err := m.Transaction(t.Context(), readSettings, read); !errors.Is(err, backfill.ErrStopped) {
			t.Errorf("after the stop: %v", err)
		}
	})
}

func TestGentleFetchRows(t *testing.T) {
	const ms = time.Millisecond
	for trip, want := range map[time.Duration]int{0: 1000, ms: 1000, 4 * ms: 2000, 50 * ms: maxFetchRows, time.Minute: maxFetchRows} {
		if got := gentleFetchRows(trip); got != want {
			t.Errorf("round trip %s: %d rows, want %d", trip, got, want)
		}
	}
}
