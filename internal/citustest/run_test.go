package citustest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// migrator returns a Migrator of a schema on the cluster, and a function that returns the events so far.
func (c *cluster) migrator(t *testing.T, schema string, options rekey.Options) *rekey.Migrator {
	t.Helper()
	m, err := rekey.New(c.Pool(t), rekey.Schema{Name: schema}, &options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// up runs up, whose events it passes to saw, which may be nil.
func (c *cluster) up(t *testing.T, schema string, saw func(event.Event)) event.Result {
	t.Helper()
	result, err := c.migrator(t, schema, rekey.Options{OnEvent: saw}).Up(t.Context())
	if err != nil {
		t.Fatalf("up: %v", err)
	}
	return result
}

// traffic inserts, updates and reads rows of app.events through the coordinator until end is called. It returns the number of
// statements, and the first error.
func (c *cluster) traffic(t *testing.T) (end func() (statements int, err error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var mu sync.Mutex
	var statements int
	var failed error
	for range 2 {
		conn := connect(t, c.URL)
		all.Go(func() {
			defer closeConn(conn)
			for ctx.Err() == nil {
				tenant := 1 + rand.IntN(50)
				var err error
				switch rand.IntN(3) {
				case 0:
					_, err = conn.Exec(context.Background(), "INSERT INTO app.events (tenant_id, payload) VALUES ($1, 'new')", tenant)
				case 1:
					_, err = conn.Exec(context.Background(), "UPDATE app.events SET payload = 'changed' WHERE tenant_id = $1 AND id % 97 = $2", tenant, rand.IntN(97))
				default:
					_, err = conn.Exec(context.Background(), "SELECT count(*) FROM app.events WHERE tenant_id = $1", tenant)
				}
				mu.Lock()
				if statements++; err != nil && failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, error) {
		cancel()
		all.Wait()
		return statements, failed
	}
}

// query returns the only value of a query.
func query[V any](t *testing.T, url, sql string) (value V) {
	t.Helper()
	conn := connect(t, url)
	defer closeConn(conn)
	if err := conn.QueryRow(context.Background(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// catalogText describes the columns, constraints and indexes of all tables of the schemas on one node, shards included.
const catalogText = `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
	SELECT format('%s.%s %s %s %s %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE n.nspname IN ('app', 'tenant_a') AND c.relkind = 'r'
	UNION ALL
	SELECT format('%s %s', c.conrelid::regclass, c.conname || ' ' || pg_get_constraintdef(c.oid)) FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
	WHERE n.nspname IN ('app', 'tenant_a') AND c.conrelid <> 0
	UNION ALL
	SELECT pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname IN ('app', 'tenant_a')
	UNION ALL
	SELECT format('comment %s %s', d.objoid::regclass, d.description) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
	JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('app', 'tenant_a')) lines`

// catalogs returns the catalogue of every node.
func (c *cluster) catalogs(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, n := range c.Nodes {
		conn := connect(t, n.URL)
		if _, err := conn.Exec(t.Context(), "SET citus.override_table_visibility = off"); err != nil {
			t.Fatal(err)
		}
		var text string
		if err := conn.QueryRow(t.Context(), catalogText).Scan(&text); err != nil {
			t.Fatal(err)
		}
		closeConn(conn)
		all = append(all, text)
	}
	return all
}

// TestUpAndDown takes tables of each kind up and down while an application uses them: afterwards the catalogue of every node is what it
// was before.
func TestUpAndDown(t *testing.T) {
	c := newCluster(t, tables)
	before := c.catalogs(t)
	end := c.traffic(t)
	result := c.up(t, "app", nil)
	c.up(t, "tenant_a", nil)
	if result.Tables != 6 || result.Rows < 2000+10_000+200+3*1000 {
		t.Errorf("up completed %d tables and filled %d rows", result.Tables, result.Rows)
	}
	for i, text := range c.catalogs(t) {
		if want := strings.Count(before[i], " created_at ") + strings.Count(before[i], " body "); strings.Count(text, " uuid uuid t app.uuid_generate_v7()")+strings.Count(text, " uuid uuid t tenant_a.uuid_generate_v7()") == 0 && want > 0 {
			t.Errorf("node %d has no table with the column", i)
		}
	}
	for _, schema := range []string{"app", "tenant_a"} {
		report, err := c.migrator(t, schema, rekey.Options{}).Verify(t.Context())
		if err != nil || !report.OK {
			t.Errorf("verify of %s: %v %q", schema, err, report.Differences)
		}
	}
	if again := c.up(t, "app", nil); !again.NothingToDo {
		t.Error("a second up had something to do")
	}
	for _, schema := range []string{"app", "tenant_a"} {
		if _, err := c.migrator(t, schema, rekey.Options{}).Down(t.Context()); err != nil {
			t.Fatalf("down: %v", err)
		}
	}
	statements, err := end()
	if err != nil || statements == 0 {
		t.Errorf("of %d statements of the application one failed: %v", statements, err)
	}
	for i, text := range c.catalogs(t) {
		if text != before[i] {
			t.Errorf("node %d has after down\n%s\nand had before up\n%s", i, text, before[i])
		}
	}
}

// manyEvents adds rows to app.events, so that filling them takes some seconds.
func (c *cluster) manyEvents(t *testing.T, each int) {
	t.Helper()
	on(t, c.URL, fmt.Sprintf("INSERT INTO app.events (tenant_id, account_id, payload, created_at) SELECT a.tenant_id, a.id, repeat('p', 100), a.created_at + g * interval '1 s'"+
		" FROM app.accounts a, generate_series(1, %d) g", each), "ANALYZE app.events")
}

// samples reads values of app.events until end is called, which returns how many it has read and how many of them have changed since.
func (c *cluster) samples(t *testing.T) (end func() (read, changed int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	conn := connect(t, c.URL)
	seen := map[[2]int64][16]byte{}
	read, changed := 0, 0
	var all sync.WaitGroup
	once := func(where string) error {
		if conn.IsClosed() { // its server was killed
			again, err := pgx.Connect(context.Background(), c.URL)
			if err != nil {
				return err
			}
			conn = again
		}
		found, err := conn.Query(context.Background(), "SELECT tenant_id::int8, id, uuid FROM app.events WHERE uuid IS NOT NULL"+where)
		if err != nil {
			return err
		}
		var tenant, id int64
		var uuid [16]byte
		_, err = pgx.ForEachRow(found, []any{&tenant, &id, &uuid}, func() error {
			key := [2]int64{tenant, id}
			if before, known := seen[key]; known && before != uuid {
				changed++
			}
			seen[key] = uuid
			read++
			return nil
		})
		return err
	}
	all.Go(func() {
		for ctx.Err() == nil {
			if err := once(fmt.Sprintf(" AND id %% 31 = %d", rand.IntN(31))); err != nil {
				time.Sleep(10 * time.Millisecond) // the column does not exist yet, or a node is away
			}
		}
	})
	return func() (int, int) {
		cancel()
		all.Wait()
		sampled := read
		if err := once(""); err != nil {
			t.Errorf("the values could not be read at the end: %v", err)
		}
		closeConn(conn)
		return sampled, changed
	}
}

// moveShard moves a shard of app.events, with the shards of its colocation group, to the other worker.
func (c *cluster) moveShard(t *testing.T, mode string, n int) error {
	t.Helper()
	conn := connect(t, c.URL)
	defer closeConn(conn)
	_, err := conn.Exec(context.Background(), `SELECT citus_move_shard_placement(p.shardid, n.nodename, n.nodeport, o.nodename, o.nodeport, $1::citus.shard_transfer_mode)
		FROM (SELECT shardid, groupid FROM pg_dist_placement WHERE shardid IN (SELECT shardid FROM pg_dist_shard WHERE logicalrelid = 'app.events'::regclass) ORDER BY shardid OFFSET $2 LIMIT 1) p
		JOIN pg_dist_node n ON n.groupid = p.groupid
		JOIN LATERAL (SELECT * FROM pg_dist_node WHERE shouldhaveshards AND groupid <> p.groupid ORDER BY groupid LIMIT 1) o ON true`, mode, n)
	return err
}

// TestMovedShards moves shards while they are filled, by logical replication and with blocked writes: no value that was read changes, and
// every row gets one.
func TestMovedShards(t *testing.T) {
	for _, mode := range []string{"force_logical", "block_writes"} {
		t.Run(mode, func(t *testing.T) {
			c := newCluster(t, tables)
			c.manyEvents(t, 60)
			filling := make(chan struct{})
			var begin sync.Once
			saw := func(e event.Event) {
				if p, ok := e.(event.Progress); ok && p.Table == "app.events" && p.Done > 0 {
					begin.Do(func() { close(filling) })
				}
			}
			read := c.samples(t)
			end := c.traffic(t)
			moved := make(chan int)
			go func() {
				<-filling
				n := 0
				for i := range 4 {
					if err := c.moveShard(t, mode, i); err == nil {
						n++
					}
				}
				moved <- n
			}()
			c.up(t, "app", saw)
			if _, err := end(); err != nil {
				t.Errorf("a statement of the application failed: %v", err)
			}
			if n := <-moved; n == 0 {
				t.Error("no shard was moved")
			}
			if sampled, changed := read(); sampled == 0 || changed > 0 {
				t.Errorf("of %d values that were read, %d have changed", sampled, changed)
			}
			if nulls := query[int](t, c.URL, "SELECT count(*) FROM app.events WHERE uuid IS NULL"); nulls > 0 {
				t.Errorf("%d rows have no value", nulls)
			}
		})
	}
}

var errKilled = errors.New("killed before an action")

// TestResume interrupts up before each action: the same call finishes it, and values that were there stay.
func TestResume(t *testing.T) {
	c := newCluster(t, tables)
	read := c.samples(t)
	for attempts := 0; ; attempts++ {
		if attempts > 60 {
			t.Fatal("up did not finish")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		steps := 0
		m := c.migrator(t, "app", rekey.Options{OnEvent: func(e event.Event) {
			if _, ok := e.(event.Executing); ok {
				if steps++; steps > 1+attempts%3 {
					cancel(errKilled)
				}
			}
		}})
		_, err := m.Up(ctx)
		cancel(nil)
		if err == nil {
			break
		}
	}
	if sampled, changed := read(); sampled == 0 || changed > 0 {
		t.Errorf("of %d values that were read, %d have changed", sampled, changed)
	}
	report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("verify: %v %q", err, report.Differences)
	}
}

// TestAddedNode adds a node, and moves shards to it, while rows are filled.
func TestAddedNode(t *testing.T) {
	c := newCluster(t, tables)
	last := c.Nodes[len(c.Nodes)-1]
	needTwoWorkers(t, c)
	address := fmt.Sprintf("'%s', %d", last.Host, last.Port)
	on(t, c.URL, "SELECT citus_drain_node("+address+", 'block_writes')", "SELECT citus_remove_node("+address+")")
	c.manyEvents(t, 40)
	var begin sync.Once
	var added sync.WaitGroup
	saw := func(e event.Event) {
		if p, ok := e.(event.Progress); ok && p.Table == "app.events" && p.Done > 0 {
			begin.Do(func() {
				added.Go(func() {
					on(t, c.URL, "SELECT citus_add_node("+address+")", "SELECT rebalance_table_shards('app.events', shard_transfer_mode => 'force_logical')")
				})
			})
		}
	}
	c.up(t, "app", saw)
	added.Wait()
	report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("verify: %v %q", err, report.Differences)
	}
	if there := query[int](t, c.URL, "SELECT count(*) FROM pg_dist_placement p JOIN pg_dist_node n USING (groupid) WHERE n.nodeport = "+fmt.Sprint(last.Port)); there == 0 {
		t.Error("no shard was moved to the node")
	}
	if i := slices.IndexFunc(report.Tables, func(r rekey.TableReport) bool { return r.Table == "events" }); i < 0 || report.Tables[i].Nulls > 0 {
		t.Errorf("events: %+v", report.Tables)
	}
}
