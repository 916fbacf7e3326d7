package citustest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/problem"
)

// named returns a URL whose sessions have an application name.
func named(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	values := u.Query()
	values.Set("application_name", name)
	u.RawQuery = values.Encode()
	return u.String()
}

// sessionCount describes the sessions of an application on one node.
type sessionCount struct {
	most   int64 // at a time
	probed bool  // one of them was the probe's, or the flusher's
}

// countSessions counts the sessions of an application on each node, every 20 ms, until end is called.
func (c *cluster) countSessions(t *testing.T, application string) (end func() []sessionCount) {
	t.Helper()
	counts := make([]sessionCount, len(c.Nodes))
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i, n := range c.Nodes {
		conn := connect(t, n.URL)
		all.Go(func() {
			defer closeConn(conn)
			for ctx.Err() == nil {
				var now int64
				var probes bool
				err := conn.QueryRow(context.Background(), "SELECT count(*), coalesce(bool_or(query LIKE '%rekey.probe%'), false) FROM pg_stat_activity"+
					" WHERE application_name = $1 AND datname = current_database()", application).Scan(&now, &probes)
				if err != nil {
					t.Errorf("sessions of node %d: %v", i, err)
					return
				}
				counts[i].most, counts[i].probed = max(counts[i].most, now), counts[i].probed || probes
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	return func() []sessionCount {
		cancel()
		all.Wait()
		return counts
	}
}

// TestMaxPerNode fills shards that are large enough for the probe, the flusher and VACUUM.
func TestMaxPerNode(t *testing.T) {
	for _, most := range []int{0, 6} {
		t.Run(fmt.Sprintf("at most %d", most), func(t *testing.T) {
			c := newCluster(t, `CREATE SCHEMA app;
SET citus.shard_count = 2;
CREATE TABLE app.big (tenant_id int NOT NULL, id bigserial, payload text, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, id));
ALTER TABLE app.big ALTER COLUMN payload SET STORAGE PLAIN;
SELECT create_distributed_table('app.big', 'tenant_id');
INSERT INTO app.big (tenant_id, payload) SELECT i % 1000, repeat('p', 1800) FROM generate_series(1, 80000) i;
ANALYZE app.big`)
			const name = "rekey-options"
			m, err := rekey.New(newPool(t, named(t, c.URL, name)), rekey.Schema{Name: "app"}, &rekey.Options{
				Cluster: rekey.ClusterOptions{MaxPerNode: most}, Backfill: rekey.BackfillOptions{Pace: rekey.PaceFull, MaxImpact: 10},
			})
			if err != nil {
				t.Fatal(err)
			}
			end := c.countSessions(t, name)
			if _, err := m.Up(t.Context()); err != nil {
				t.Fatal(err)
			}
			if report, err := m.Verify(t.Context()); err != nil || report.Tables[0].Order.Judged != 80_000 {
				t.Errorf("verify: %v %+v", err, report.Tables)
			}
			counts := end()
			t.Logf("the most sessions of rekey on each node, the coordinator first: %+v", counts)
			limit := int64(8)
			if most > 0 {
				limit = int64(most)
			}
			for i, n := range counts[1:] {
				if n.most > limit || !n.probed {
					t.Errorf("worker %d had %+v sessions of rekey, at most %d are allowed", i+1, n, limit)
				}
			}
		})
	}
}

// elsewhere returns the options of a run to which the node of a worker is at another address.
func elsewhere(t *testing.T, n node, at string) rekey.Options {
	t.Helper()
	config, err := pgxpool.ParseConfig(at)
	if err != nil {
		t.Fatal(err)
	}
	return rekey.Options{Cluster: rekey.ClusterOptions{Nodes: map[string]*pgxpool.Config{n.address(): config}}}
}

func (n node) address() string { return net.JoinHostPort(n.Host, strconv.Itoa(n.Port)) }

// code returns the code of the first problem of an error.
func code(err error) string {
	if all := problem.All(err); len(all) > 0 {
		return all[0].Code
	}
	return ""
}

// TestNodeURL gives nodes other addresses: one that leads to the node, one that leads to another one, one that leads nowhere, and one of a
// node that does not exist.
func TestNodeURL(t *testing.T) {
	c := newCluster(t, tables)
	worker, other := c.Nodes[1], c.Nodes[len(c.Nodes)-1]
	unknown := worker
	unknown.Host = "worker.invalid"
	if _, err := c.migrator(t, "app", elsewhere(t, unknown, worker.URL)).Up(t.Context()); code(err) != "unknown_node" || !errors.Is(err, problem.ErrUsage) {
		t.Errorf("an address of no node: %v", err)
	}
	for where, address := range map[string]string{"another node": other.URL, "the coordinator": c.Nodes[0].URL, "no server": onNode(t, worker.URL, "127.0.0.1", closedPort(t), "")} {
		want := "wrong_node"
		if where == "no server" {
			want = "node_unreachable"
		}
		if address == worker.URL {
			continue // there is one worker
		}
		m := c.migrator(t, "app", elsewhere(t, worker, address))
		if _, err := m.Up(t.Context()); code(err) != want || !errors.Is(err, problem.ErrRefused) {
			t.Errorf("the address of %s: %v", where, err)
		}
		if doc, err := m.Plan(t.Context(), rekey.Up); err != nil || code(doc.Refusals) != want {
			t.Errorf("plan with the address of %s: %v %v", where, err, doc.Refusals)
		}
	}
	if query[bool](t, c.URL, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attname = 'uuid' AND attrelid::regclass::text LIKE 'app.%') OR EXISTS (SELECT FROM pg_namespace WHERE nspname = 'rekey')") {
		t.Error("something was changed before the address was refused")
	}
	const name = "rekey-elsewhere"
	end := c.countSessions(t, name)
	if _, err := c.migrator(t, "app", elsewhere(t, worker, named(t, worker.URL, name))).Up(t.Context()); err != nil {
		t.Errorf("another address of the node: %v", err)
	}
	if counts := end(); counts[1].most == 0 {
		t.Errorf("sessions over the other address: %v", counts)
	}
}

// closedPort returns a port on which no server listens.
func closedPort(t *testing.T) int {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// TestVerifyWithoutNode verifies while rekey cannot connect to a worker, and the coordinator can.
func TestVerifyWithoutNode(t *testing.T) {
	c := newCluster(t, tables)
	c.up(t, "app", nil)
	nowhere := elsewhere(t, c.Nodes[1], "postgres://postgres@127.0.0.1:1/postgres")
	report, err := c.migrator(t, "app", nowhere).Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events, countries, plain := tableReport(t, report, "events"), tableReport(t, report, "countries"), tableReport(t, report, "plain")
	if events.Rows != 10_000 || events.Nulls != 0 || !strings.Contains(events.Order.NotJudged, c.Nodes[1].address()) || events.Order.Judged != 0 {
		t.Errorf("events: %+v, order %+v", events, events.Order)
	}
	if countries.Rows != 200 || countries.Order.Judged != 200 || !strings.Contains(countries.Copies.NotCompared, c.Nodes[1].address()) {
		t.Errorf("countries: %+v, order %+v, copies %+v", countries, countries.Order, countries.Copies)
	}
	if plain.Order.Judged != 1000 {
		t.Errorf("plain: %+v", plain.Order)
	}
}

func tableReport(t *testing.T, report rekey.Report, table string) rekey.TableReport {
	t.Helper()
	i := slices.IndexFunc(report.Tables, func(r rekey.TableReport) bool { return r.Table == table })
	if i < 0 {
		t.Fatalf("%s is not in the report: %+v", table, report)
	}
	return report.Tables[i]
}

// onShard runs statements on a node that may change its shards.
func onShard(t *testing.T, n node, statements ...string) {
	t.Helper()
	on(t, n.URL, append([]string{"SET citus.override_table_visibility = off", "SET citus.enable_manual_changes_to_shards = on"}, statements...)...)
}

// TestOrderOfShards creates rows of one instant in all shards, where only the rows of one shard have an order, and exchanges two of these.
func TestOrderOfShards(t *testing.T) {
	c := newCluster(t, tables)
	on(t, c.URL, "INSERT INTO app.accounts (tenant_id, name, created_at) SELECT i, 'same', '2020-01-01' FROM generate_series(1, 50) i, generate_series(1, 10)")
	c.up(t, "app", nil)
	verified := func() (rekey.Report, rekey.TableReport) {
		report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
		if err != nil && !errors.Is(err, problem.ErrDiffers) {
			t.Fatal(err)
		}
		return report, tableReport(t, report, "accounts")
	}
	if report, accounts := verified(); !report.OK || accounts.Order.Judged != 2500 || accounts.Order.PairsOutOfOrder != 0 || accounts.Unique == "" {
		t.Errorf("%+v, order %+v", report.Differences, accounts.Order)
	}
	const same = " FROM app.accounts WHERE tenant_id = 2 AND name = 'same' ORDER BY id LIMIT 1"
	first, second := query[string](t, c.URL, "SELECT uuid::text"+same), query[string](t, c.URL, "SELECT uuid::text"+same+" OFFSET 5")
	const between = "00000000-0000-7000-8000-000000000000"
	for _, change := range [][2]string{{first, between}, {second, first}, {between, second}} {
		on(t, c.URL, fmt.Sprintf("UPDATE app.accounts SET uuid = '%s' WHERE tenant_id = 2 AND uuid = '%s'", change[1], change[0]))
	}
	if report, accounts := verified(); report.OK || accounts.OK || accounts.Order.Judged != 2500 || accounts.Order.PairsOutOfOrder == 0 {
		t.Errorf("after two values were exchanged: %+v, order %+v", report.Differences, accounts.Order)
	}
}

// TestCopies changes the copy of a reference table on one node.
func TestCopies(t *testing.T) {
	c := newCluster(t, tables)
	c.up(t, "app", nil)
	worker := c.Nodes[1]
	shard := query[string](t, c.URL, "SELECT shard_name(logicalrelid, shardid) FROM pg_dist_shard WHERE logicalrelid = 'app.countries'::regclass")
	verified := func() (rekey.Report, *rekey.CopiesReport) {
		report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
		if err != nil && !errors.Is(err, problem.ErrDiffers) {
			t.Fatal(err)
		}
		return report, tableReport(t, report, "countries").Copies
	}
	end := make(chan struct{})
	var writing sync.WaitGroup
	conn := connect(t, c.URL)
	writing.Go(func() {
		defer closeConn(conn)
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			default:
			}
			if _, err := conn.Exec(context.Background(), "INSERT INTO app.countries (name) VALUES ('new')"); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 3 {
		if report, copies := verified(); !report.OK || copies.Nodes != len(c.Nodes) || len(copies.Differ) > 0 || copies.NotCompared != "" {
			t.Errorf("under traffic: %+v %+v", report.Differences, copies)
		}
	}
	close(end)
	writing.Wait()
	onShard(t, worker, "UPDATE "+shard+" SET uuid = app.uuid_generate_v7() WHERE id = 7")
	if report, copies := verified(); report.OK || len(copies.Differ) != 1 || !strings.Contains(copies.Differ[0], worker.address()+" has other keys or uuids") {
		t.Errorf("another value: %+v %+v", report.Differences, copies)
	}
	onShard(t, worker, "DELETE FROM "+shard+" WHERE id = 7")
	if report, copies := verified(); report.OK || len(copies.Differ) != 1 || !strings.Contains(copies.Differ[0], worker.address()+" has 1 row fewer than node "+c.Nodes[0].address()) {
		t.Errorf("a row is missing: %+v %+v", report.Differences, copies)
	}
}

// TestVerifyWhileMoving moves shards while verify reads them: every row is judged once.
func TestVerifyWhileMoving(t *testing.T) {
	c := newCluster(t, tables)
	needTwoWorkers(t, c)
	c.up(t, "app", nil)
	ctx, cancel := context.WithCancel(t.Context())
	moves := 0
	var moving sync.WaitGroup
	moving.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := c.moveShard(t, "block_writes", i%4); err != nil {
				t.Errorf("move: %v", err)
				return
			}
			moves++
		}
	})
	for range 8 {
		report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
		if err != nil {
			t.Error(err)
			break
		}
		for table, rows := range map[string]int64{"accounts": 2000, "events": 10_000, "single": 1000} {
			if one := tableReport(t, report, table); one.Rows != rows || one.Order.Judged != rows || one.Order.NotJudged != "" {
				t.Errorf("%s: %+v, order %+v", table, one, one.Order)
			}
		}
	}
	cancel()
	moving.Wait()
	t.Logf("%d shards were moved", moves)
	if moves == 0 {
		t.Error("no shard was moved")
	}
}
