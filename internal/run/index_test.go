package run_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestNewIndexIsCheckedBeforeNextAction checks that an index which is dropped or replaced right after its build is
// built again before the table gets a constraint.
func TestNewIndexIsCheckedBeforeNextAction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for name, happens := range map[string]string{
			"dropped":                                "DROP INDEX present_uuid_idx",
			"replaced by another index":              "DROP INDEX present_uuid_idx; CREATE INDEX present_uuid_idx ON present (uuid) WHERE id > 0",
			"replaced by an index on another column": "DROP INDEX present_uuid_idx; CREATE UNIQUE INDEX present_uuid_idx ON present (id)",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newTestRun(t, c)
				times := 0
				_, err := s.run("IS NOT NULL) NOT VALID", func() {
					if times++; times == 1 {
						s.exec(happens)
						return
					}
					if s.queryText("SELECT count(*) FROM pg_index WHERE indrelid = 'present'::regclass AND indisunique AND indisvalid AND indnatts = 1 AND indkey[0] = 3") != "1" {
						t.Error("the table gets a constraint without its index")
					}
				})
				checks := s.queryText("SELECT count(*) FROM pg_constraint WHERE conrelid = 'present'::regclass AND contype = 'c'")
				if name == "dropped" && (err != nil || times != 2 || s.actionIndex("CREATE UNIQUE INDEX", 2) < 0) || checks != "0" {
					t.Errorf("%d times, %s checks, error %v, actions %q", times, checks, err, s.actions)
				}
				if name != "dropped" && (err == nil || times != 1) {
					t.Errorf("%d times, error %v, actions %q", times, err, s.actions)
				}
			})
		}
	})
}
