package citustest_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// refusal returns the codes of the problems of an error.
func refusal(err error) (codes string) {
	for _, p := range problem.All(err) {
		codes += p.Code + " "
	}
	return strings.TrimSpace(codes)
}

func TestWhatAClusterRefuses(t *testing.T) {
	c := newCluster(t, tables, refusedTables)
	app := c.migrator(t, "app", rekey.Options{})
	before := c.catalogue(t)

	if _, err := app.Script(t.Context(), rekey.ScriptOptions{Direction: rekey.Up}); refusal(err) != "citus_script" {
		t.Errorf("a script: %v", err)
	}
	if _, err := c.migrator(t, "app", rekey.Options{To: rekey.Linked}).Up(t.Context()); refusal(err) != "citus_phase" {
		t.Errorf("a later phase: %v", err)
	}
	_, err := c.migrator(t, "odd", rekey.Options{}).Up(t.Context())
	if got := refusal(err); got != "distributed_kind reference_without_key distributed_kind shard_replicas shard_order" {
		t.Errorf("tables: %s", got)
	}
	worker, err := rekey.New(newPool(t, c.Nodes[1].URL), rekey.Schema{Name: "app"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"up":     func() error { _, err := worker.Up(t.Context()); return err },
		"plan":   func() error { _, err := worker.Plan(t.Context(), rekey.Up); return err },
		"status": func() error { _, err := worker.Status(t.Context()); return err },
	} {
		if err := call(); refusal(err) != "citus_worker" {
			t.Errorf("%s on a worker: %v", name, err)
		}
	}
	if after := c.catalogue(t); after != before {
		t.Errorf("a refused call has changed something:\n%s\nwas\n%s", after, before)
	}
}

// catalogue returns the columns, indexes and constraints of every node, shards included.
func (c *cluster) catalogue(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, n := range c.Nodes {
		conn := connect(t, n.URL)
		var part string
		err := conn.QueryRow(t.Context(), `SELECT set_config('citus.override_table_visibility', 'off', false) || coalesce(string_agg(line, E'\n' ORDER BY line), '') FROM (
			SELECT format('%s.%s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod)) AS line
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace s ON s.oid = c.relnamespace
			WHERE s.nspname IN ('app', 'odd', 'tenant_a') AND a.attnum > 0
			UNION ALL
			SELECT format('%s %s', conrelid::regclass, conname) FROM pg_constraint WHERE connamespace::regnamespace::text IN ('app', 'odd', 'tenant_a')
			UNION ALL
			SELECT format('schema %s', nspname) FROM pg_namespace WHERE nspname = 'rekey') all_lines`).Scan(&part)
		closeConn(conn)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(n.URL + "\n" + part + "\n")
	}
	return text.String()
}

// A prepared transaction that its coordinator has forgotten is a note and a finding, and refuses nothing.
func TestOpenTransactionsAreNamed(t *testing.T) {
	c := newCluster(t, tables)
	worker := connect(t, c.Nodes[1].URL)
	defer closeConn(worker)
	const gid = "citus_0_4711_1_1"
	for _, statement := range []string{"BEGIN", "CREATE TABLE public.prepared ()", "PREPARE TRANSACTION '" + gid + "'"} {
		if _, err := worker.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { on(t, c.Nodes[1].URL, "ROLLBACK PREPARED '"+gid+"'") })
	m := c.migrator(t, "app", rekey.Options{})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		doc, err := m.Plan(t.Context(), rekey.Up)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(doc.Notes, func(note string) bool {
			return strings.Contains(note, gid) && strings.Contains(note, "recover_prepared_transactions()")
		}) {
			if len(doc.Refusals) > 0 {
				t.Error(doc.Refusals)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no note of the prepared transaction: %q", doc.Notes)
		}
	}
	diagnosis, err := m.Diagnose(t.Context(), rekey.Up)
	if err != nil || !diagnosis.Ready || !slices.ContainsFunc(diagnosis.Findings, func(f rekey.Finding) bool { return f.Name == "citus_prepared" }) {
		t.Errorf("doctor: %+v, %v", diagnosis.Findings, err)
	}
}

// A move that waits for a writer is a note, and a run waits for it.
func TestMovesAreNamed(t *testing.T) {
	c := newCluster(t, tables)
	writer, mover := connect(t, c.URL), connect(t, c.URL)
	defer closeConn(writer)
	if _, err := writer.Exec(t.Context(), "BEGIN; UPDATE app.events SET payload = 'x'"); err != nil {
		t.Fatal(err)
	}
	moved := make(chan error, 1)
	go func() {
		defer closeConn(mover)
		_, err := mover.Exec(context.Background(), `SELECT citus_move_shard_placement(s.shardid, n.nodename, n.nodeport, o.nodename, o.nodeport, 'block_writes')
			FROM (SELECT min(shardid) AS shardid FROM pg_dist_shard WHERE logicalrelid = 'app.events'::regclass) s
			JOIN pg_dist_placement p ON p.shardid = s.shardid JOIN pg_dist_node n ON n.groupid = p.groupid
			JOIN pg_dist_node o ON o.groupid <> p.groupid AND o.groupid > 0 ORDER BY o.groupid LIMIT 1`)
		moved <- err
	}()
	m := c.migrator(t, "app", rekey.Options{})
	named := func() bool {
		doc, err := m.Plan(t.Context(), rekey.Up)
		if err != nil || len(doc.Refusals) > 0 {
			t.Fatal(err, doc.Refusals)
		}
		return slices.ContainsFunc(doc.Notes, func(note string) bool {
			return strings.HasPrefix(note, "A move") && strings.Contains(note, " of shards of app.accounts, or of a table colocated with it, has not ended")
		})
	}
	for deadline := time.Now().Add(30 * time.Second); !named(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no note of the move")
		}
	}
	var waits atomic.Int32
	c.up(t, "app", func(e event.Event) {
		if n, ok := e.(event.Notice); ok && strings.HasPrefix(n.Text, "waiting: a move") && waits.Add(1) == 1 {
			if _, err := writer.Exec(t.Context(), "ROLLBACK"); err != nil {
				t.Error(err)
			}
		}
	})
	if err := <-moved; err != nil || named() || waits.Load() == 0 {
		t.Errorf("the move has ended: %v, named %t, waits %d", err, named(), waits.Load())
	}
}

// A node that is gone, or does not answer, is named by every command, in seconds.
func TestNodeThatDoesNotAnswer(t *testing.T) {
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for name, port := range map[string]int{"closed": 1, "silent": silent.Addr().(*net.TCPAddr).Port} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, tables)
			on(t, c.URL, fmt.Sprintf("UPDATE pg_dist_node SET nodename = '127.0.0.1', nodeport = %d WHERE groupid = (SELECT max(groupid) FROM pg_dist_node)", port))
			m := c.migrator(t, "app", rekey.Options{})
			for command, call := range map[string]func() error{
				"plan":   func() error { _, err := m.Plan(t.Context(), rekey.Up); return err },
				"status": func() error { _, err := m.Status(t.Context()); return err },
				"verify": func() error { _, err := m.Verify(t.Context()); return err },
				"up":     func() error { _, err := m.Up(t.Context()); return err },
				"doctor": func() error { _, err := m.Diagnose(t.Context(), rekey.Up); return err },
			} {
				start := time.Now()
				if err := call(); refusal(err) != "citus_node" || !strings.Contains(err.Error(), fmt.Sprintf(":%d does not answer", port)) {
					t.Errorf("%s: %v", command, err)
				}
				if took := time.Since(start); took > 20*time.Second {
					t.Errorf("%s took %s", command, took)
				}
			}
		})
	}
}
