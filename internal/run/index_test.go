package run_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestBuiltIndexIsAskedFor: an index that is dropped right behind its build is built again before the table gets stricter,
// and so is one that is no longer what was built.
func TestNewIndexIsCheckedBeforeNextAction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		for name, happens := range map[string]string{
			"it is dropped":                "DROP INDEX present_uuid_idx",
			"another one gets its name":    "DROP INDEX present_uuid_idx; CREATE INDEX present_uuid_idx ON present (uuid) WHERE id > 0",
			"it is on another column only": "DROP INDEX present_uuid_idx; CREATE UNIQUE INDEX present_uuid_idx ON present (id)",
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
						t.Error("the table gets stricter without its index")
					}
				})
				checks := s.queryText("SELECT count(*) FROM pg_constraint WHERE conrelid = 'present'::regclass AND contype = 'c'")
				if name == "it is dropped" && (err != nil || times != 2 || s.actionIndex("CREATE UNIQUE INDEX", 2) < 0) || checks != "0" {
					t.Errorf("after %d times, with %s checks, it ended with %v: %q", times, checks, err, s.actions)
				}
				if name != "it is dropped" && (err == nil || times != 1) {
					t.Errorf("after %d times it ended with %v: %q", times, err, s.actions)
				}
			})
		}
	})
}
