package citustest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
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
	if got := refusal(err); got != "distributed_kind reference_without_key distributed_partitions distributed_kind shard_replicas shard_order" {
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

// A node that is gone is named by every command, in seconds.
func TestNodeThatDoesNotAnswer(t *testing.T) {
	c := newCluster(t, tables)
	// Nothing listens at the port of the last node any more, as the coordinator sees it.
	on(t, c.URL, "UPDATE pg_dist_node SET nodeport = 1 WHERE groupid = (SELECT max(groupid) FROM pg_dist_node)")
	m := c.migrator(t, "app", rekey.Options{})
	start := time.Now()
	for name, call := range map[string]func() error{
		"plan":   func() error { _, err := m.Plan(t.Context(), rekey.Up); return err },
		"status": func() error { _, err := m.Status(t.Context()); return err },
		"verify": func() error { _, err := m.Verify(t.Context()); return err },
		"up":     func() error { _, err := m.Up(t.Context()); return err },
		"doctor": func() error { _, err := m.Diagnose(t.Context(), rekey.Up); return err },
	} {
		if err := call(); refusal(err) != "citus_node" || !strings.Contains(err.Error(), ":1 does not answer") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %s", took)
	}
}
