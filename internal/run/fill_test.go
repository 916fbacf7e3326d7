package run_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestKeyDroppedDuringBackfill drops the primary key during the backfill. Without its index each row would be
// searched in the whole table. The run detects that by its slow batches, inspects the table again and fills it by
// block range.
func TestKeyDroppedDuringBackfill(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		s := newTestRun(t, c)
		s.exec("INSERT INTO present (note) SELECT 'n' FROM generate_series(1, 60000); ANALYZE present")
		var dropped atomic.Bool
		var notices []string
		s.job.Emit = func(e event.Event) {
			switch e := e.(type) {
			case event.Progress:
				if e.Done > 0 && dropped.CompareAndSwap(false, true) {
					s.exec("ALTER TABLE present DROP CONSTRAINT present_pkey")
				}
			case event.Notice:
				notices = append(notices, e.Text)
			}
		}
		_, err := s.run("", nil)
		if err != nil || s.queryText("SELECT count(*) FROM present WHERE uuid IS NULL") != "0" || !dropped.Load() {
			t.Errorf("dropped %t, error %v", dropped.Load(), err)
		}
		if all := strings.Join(notices, "\n"); !strings.Contains(all, "its key has changed") {
			t.Errorf("notices: %s", all)
		}
	})
}
