package citustest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// TestAlteredTable alters a distributed table while it is filled. The run ends in time, without a value lost, and says what happened; or
// it completes the table.
func TestAlteredTable(t *testing.T) {
	for name, test := range map[string]struct {
		statement, says string // "" if the table is completed
	}{
		"dropped":          {"DROP TABLE app.large", ""},
		"truncated":        {"TRUNCATE app.large", ""},
		"renamed":          {"ALTER TABLE app.large RENAME TO larger", "table_altered"},
		"without a column": {"ALTER TABLE app.large DROP COLUMN uuid", "table_altered"},
		"of another type":  {"ALTER TABLE app.large ALTER COLUMN payload TYPE varchar(200)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, largeTable(4, 200_000))
			var begin sync.Once
			var altered sync.WaitGroup
			m := c.migrator(t, "app", rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 30 * time.Second}, OnEvent: func(e event.Event) {
				if p, ok := e.(event.Progress); ok && p.Done > 0 {
					begin.Do(func() { altered.Go(func() { on(t, c.URL, test.statement) }) })
				}
			}})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			_, err := m.Up(ctx)
			altered.Wait()
			if ctx.Err() != nil || refusal(err) != test.says {
				t.Fatalf("%s: %v", test.statement, err)
			}
			if name == "dropped" || test.says != "" {
				return
			}
			report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
			if err != nil || !report.OK {
				t.Errorf("verify: %v %q", err, report.Differences)
			}
		})
	}
}
