package acceptance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// durable starts a server that this test may crash.
func durable(t *testing.T, major int) *server.Cluster {
	t.Helper()
	installation, err := server.Find(t.Context(), major)
	if err != nil {
		t.Fatal(err)
	}
	c, err := server.Start(t.Context(), installation, server.Options{Durable: true, Settings: map[string]string{
		"autovacuum_naptime": "1d",
		"fsync":              "off", // the machine does not crash, and a start is quick
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// crashStride is the distance between two statements at which the server crashes.
const crashStride = 6

// The server stops immediately (pg_ctl stop -m immediate) before a statement of switch, its way back and contract, or while it executes
// it, and starts again. Every foreign key is then enforced and the applications can write. The command survives, or the same command
// reaches the same end.
func TestServerCrashesAtStatementsOfKeys(t *testing.T) {
	if !long() {
		t.Skip("it takes minutes: REKEY_ACCEPTANCE=1; the short form is TestChaosSwitch of package chaos")
	}
	on(t, func(t *testing.T, shared *server.Cluster) {
		c := durable(t, shared.Major)
		linked := template(t, c, "acceptance_keys_linked", keySQL, upWords())
		switched := template(t, c, "acceptance_keys_switched", keySQL, upWords(), switchWords())
		for _, k := range []*killing{
			{words: switchWords(), template: linked, between: guarded(byIntegers(), byUUIDs())},
			{words: []string{"down", "--schema", "app", "--to", "linked"}, template: switched, between: guarded(byIntegers(), byUUIDs())},
			{words: contractWords(), template: switched, between: guarded(byUUIDs())},
		} {
			k.c = c
			k.undisturbed(t)
			begun, survived, crashes := time.Now(), 0, 0
			for n := 2; n <= k.number; n += crashStride {
				t.Run(fmt.Sprintf("%s_%s_%d", k.words[0], k.words[slices.Index(k.words, "--to")+1], n), func(t *testing.T) {
					crashes++
					if k.crash(t, n, crashes%2 == 0) {
						survived++
					}
				})
			}
			t.Logf("acceptance 8: PostgreSQL %d, rekey %s: the server stopped immediately at %d of %d statements: %d runs survived, %.0f s",
				c.Major, strings.Join(k.words, " "), crashes, k.number, survived, time.Since(begun).Seconds())
		}
	})
}

// crash stops the server before the n-th statement or while it executes it, and reports whether the run survived.
func (k *killing) crash(t *testing.T, n int, during bool) (survived bool) {
	t.Helper()
	db := servertest.Database(t, k.c, k.template)
	k.checkpoint(t, db)
	at, down := "", time.Duration(0)
	restarted := make(chan error, 1)
	g := &gate{at: n, passes: true, sent: during, reached: func(sql string) {
		at = sql
		begun := time.Now()
		err := k.c.Kill()
		if err == nil {
			err = k.c.Restart(context.Background())
		}
		down = time.Since(begun)
		restarted <- err
	}}
	defer g.close()
	r := k.start(t, db, g)
	runErr := r.cmd.Wait()
	if runErr == nil && len(g.statements()) < n { // the number of heartbeats depends on time
		return true
	}
	select {
	case err := <-restarted:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("statement %d was not reached: %v: %s", n, runErr, &r.output)
	}
	if runErr != nil {
		k.expireLease(t, db)
		k.inBetween(t, db)
		k.runUntil(t, db, 0)
	}
	if diff := cmp.Diff(k.want, fingerprint(t, db)); diff != "" {
		t.Errorf("rekey %s, the server stopped at statement %d, %s: differs from an undisturbed run (-want +got)\n%s\n%s", k.words[0], n, at, diff, &r.output)
	}
	if runErr != nil {
		t.Logf("at %.120q, %.1f s without a server: %s", at, down.Seconds(), &r.output)
	}
	return runErr == nil
}

// checkpoint makes a copied database durable: from PostgreSQL 15 on, a crash before the next checkpoint would set its sequences back.
func (k *killing) checkpoint(t *testing.T, db servertest.DB) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
}
