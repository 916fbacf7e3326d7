package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// killSQL has references that need every step of link: a composite one that is required, one that may be written before its
// parent, and one of a partitioned table.
const killSQL = `CREATE SCHEMA app;
	CREATE TABLE app.parents (id bigserial PRIMARY KEY, area int NOT NULL DEFAULT 1, UNIQUE (area, id));
	CREATE TABLE app.children (id bigserial PRIMARY KEY, area int NOT NULL DEFAULT 1, parent_id bigint NOT NULL,
		FOREIGN KEY (area, parent_id) REFERENCES app.parents (area, id) ON DELETE CASCADE);
	CREATE INDEX ON app.children (area, parent_id);
	CREATE TABLE app.events (id bigint PRIMARY KEY, before_id bigint REFERENCES app.parents DEFERRABLE INITIALLY DEFERRED) PARTITION BY HASH (id);
	CREATE TABLE app.events_0 PARTITION OF app.events FOR VALUES WITH (MODULUS 1, REMAINDER 0);
	CREATE INDEX ON app.events (before_id);
	INSERT INTO app.parents SELECT generate_series(1, 20);
	INSERT INTO app.children (parent_id) SELECT 1 + n % 20 FROM generate_series(1, 100) n;
	INSERT INTO app.events SELECT n, 1 + n % 20 FROM generate_series(1, 50) n`

// process is the command in a process of its own.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer
}

func command(database string, words ...string) *process {
	r := &process{cmd: exec.Command(os.Args[0], words...)}
	r.cmd.Env = append(os.Environ(), commandVariable+"=1", "REKEY_DATABASE_URL="+database)
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	return r
}

// killing is a command that is killed, and what it must reach all the same.
type killing struct {
	c        *server.Cluster
	words    []string
	template string
	// between is called between the kill and the next run; may be nil.
	between func(t *testing.T, conn *pgx.Conn)
	want    []string // fingerprint after an undisturbed run
	samples int      // how many statements the short form kills the command at
	number  int      // of the messages of such a run that change something
}

func upWords() []string   { return []string{"up", "--schema", "app", "--to", "linked"} }
func downWords() []string { return []string{"down", "--schema", "app", "--to", "expanded"} }

// template returns a database on which commands have run.
func template(t *testing.T, c *server.Cluster, name, sql string, commands ...[]string) string {
	t.Helper()
	return servertest.Template(t, c, name, func(database string) error {
		conn, err := pgx.Connect(context.Background(), database)
		if err != nil {
			return err
		}
		_, err = conn.PgConn().Exec(context.Background(), sql).ReadAll()
		_ = conn.Close(context.Background())
		for _, words := range commands {
			if err == nil {
				r := command(database, words...)
				if err = r.cmd.Run(); err != nil {
					err = fmt.Errorf("%w: %s", err, &r.output)
				}
			}
		}
		return err
	})
}

// undisturbed runs the command without a kill.
func (k *killing) undisturbed(t *testing.T) {
	t.Helper()
	db := servertest.Database(t, k.c, k.template)
	g, _ := k.runUntil(t, db, 0)
	k.want, k.number = fingerprint(t, db), len(g.statements())
}

// runUntil runs the command and kills it before its n-th statement, unless it has fewer. It returns the statement.
func (k *killing) runUntil(t *testing.T, db servertest.DB, n int) (g *gate, before string) {
	t.Helper()
	var r *process
	begun := make(chan struct{})
	g = &gate{at: n, reached: func(sql string) {
		<-begun
		before = sql
		_ = r.cmd.Process.Kill()
	}}
	r = k.start(t, db, g)
	close(begun)
	defer g.close()
	if err := r.cmd.Wait(); err != nil && before == "" {
		t.Fatalf("rekey %s: %v: %s", strings.Join(k.words, " "), err, &r.output)
	}
	return g, before
}

// start starts the command behind a gate.
func (k *killing) start(t *testing.T, db servertest.DB, g *gate) *process {
	t.Helper()
	g.target = fmt.Sprintf("127.0.0.1:%d", k.c.Port())
	if err := g.open(); err != nil {
		t.Fatal(err)
	}
	through, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	through.Host = g.listener.Addr().String()
	r := command(through.String(), k.words...)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// kill kills the command before its n-th statement. The same command must then reach the same end.
func (k *killing) kill(t *testing.T, n int) (before string) {
	t.Helper()
	db := servertest.Database(t, k.c, k.template)
	if _, before = k.runUntil(t, db, n); before != "" {
		k.expireLease(t, db)
		if k.between != nil {
			k.inBetween(t, db)
		}
		k.runUntil(t, db, 0)
	}
	if diff := cmp.Diff(k.want, fingerprint(t, db)); diff != "" {
		t.Errorf("rekey %s, killed before statement %d, %s: differs from an undisturbed run (-want +got)\n%s", k.words[0], n, before, diff)
	}
	return before
}

func (k *killing) inBetween(t *testing.T, db servertest.DB) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	k.between(t, conn)
}

// expireLease makes the lease of a killed run expire now, and waits for the end of its sessions.
func (k *killing) expireLease(t *testing.T, db servertest.DB) {
	t.Helper()
	pool := servertest.Pool(t, db.URL)
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		var left int
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()").Scan(&left)
		switch {
		case err != nil || time.Since(begun) > time.Minute:
			t.Fatalf("%d sessions are left: %v", left, err)
		case left > 0:
			continue
		}
		break
	}
	servertest.Execute(t, pool, "UPDATE rekey.leases SET heartbeat = heartbeat - interval '1 hour'")
	pool.Close()
}

// fingerprint returns the fingerprint of the schema, with all rows. The journal is left out: a run that was killed after its
// work keeps its expired lease.
func fingerprint(t *testing.T, db servertest.DB) []string {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	lines, err := steptest.Fingerprint(ctx, conn, "app", "")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		lines[i] = switchTime.ReplaceAllString(line, "")
	}
	return lines
}

// switchTime matches the time in the mark of a key.
var switchTime = regexp.MustCompile(`,"switched":"[^"]*"`)

// samples is how many statements of each direction of link the short form kills the command at.
const samples = 3

// The command is killed with SIGKILL before a statement, of link and of its way back. The same command then reaches the same
// end. The long form does so before every statement that changes something.
func TestKilledBeforeEveryStatement(t *testing.T) {
	on(t, func(t *testing.T, c *server.Cluster) {
		expand := []string{"up", "--schema", "app"}
		for _, k := range []*killing{
			{c: c, words: upWords(), template: template(t, c, "acceptance_expanded", killSQL, expand)},
			{c: c, words: downWords(), template: template(t, c, "acceptance_linked", killSQL, expand, upWords())},
		} {
			k.samples = samples
			k.killAll(t)
		}
	})
}

// killAll kills the command before every statement that changes something or, in the short form, before samples of them.
func (k *killing) killAll(t *testing.T) {
	t.Helper()
	k.undisturbed(t)
	stride := 1
	if !long() {
		stride = (k.number + k.samples) / k.samples
	}
	begun, killed, differ := time.Now(), 0, 0
	for n := 1 + stride/2; n <= k.number; n += stride {
		if !t.Run(fmt.Sprintf("%s_%s_%d", k.words[0], k.words[slices.Index(k.words, "--to")+1], n), func(t *testing.T) {
			if k.kill(t, n) != "" {
				killed++
			}
		}) {
			differ++
		}
	}
	if killed < min(k.samples, k.number) {
		t.Errorf("%d runs were killed", killed)
	}
	end := "same end"
	if differ > 0 {
		end = fmt.Sprintf("%d FAILED", differ)
	}
	t.Logf("acceptance 8: PostgreSQL %d, rekey %s: kill -9 before each of %d statements (stride %d; %d killed): %s, %.0f s",
		k.c.Major, strings.Join(k.words, " "), k.number, stride, killed, end, time.Since(begun).Seconds())
}
