package pg

import (
	"errors"
	"testing"

	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// TestLocksOfTwoTables checks that a change takes its locks in one order, whatever the order in which it lists them, and
// that a failed attempt keeps none of them.
func TestLocksOfTwoTables(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		admin := b.session("postgres")
		b.exec(admin, "CREATE TABLE a (id int); ALTER TABLE a OWNER TO plain")
		table := func(name string) sqltext.Table { return sqltext.Table{Schema: "public", Name: name} }
		change := Change{
			Locks:      []lock.Lock{lock.On(table("t"), lock.ShareRowExclusive), lock.On(table("a"), lock.AccessExclusive)},
			Statements: []string{"ALTER TABLE public.a ADD c int"},
		}
		changer := b.changer()
		changer.RetryTimeout = 0
		b.exec(admin, "BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE")
		_, err := changer.Do(b.Context(), change)
		var timeout *LockTimeoutError
		if !errors.As(err, &timeout) || timeout.Table != `"public"."a" and "public"."t"` {
			t.Fatalf("%v", err)
		}
		b.exec(b.session("plain"), "SET lock_timeout = 1; SELECT FROM a") // fails if the attempt has kept its lock
		b.exec(admin, "ROLLBACK")
		done, err := changer.Do(b.Context(), change)
		if err != nil || !done.Blocked || done.Attempts != 1 {
			t.Errorf("%+v, %v", done, err)
		}
	})
}
