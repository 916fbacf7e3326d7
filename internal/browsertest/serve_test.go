package browsertest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/browsertest"
	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// command is a running rekey.
type command struct {
	mu      sync.Mutex
	stderr  bytes.Buffer
	stdout  bytes.Buffer
	signals chan os.Signal
	done    chan struct{}
	code    int
}

func (c *command) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stderr.Write(text)
}

func (c *command) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stderr.String()
}

// begin starts a command of rekey in this process.
func begin(t *testing.T, words ...string) *command {
	t.Helper()
	c := &command{signals: make(chan os.Signal, 2), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.code = cli.Run(context.WithoutCancel(t.Context()), cli.Process{
			Args: words, Stdin: strings.NewReader(""), Stdout: &c.stdout, Stderr: c, Getenv: func(string) string { return "" }, Signals: c.signals,
		})
	}()
	t.Cleanup(func() {
		c.signals <- syscall.SIGTERM
		<-c.done
	})
	return c
}

// url returns the address of the page that the command prints.
func (c *command) url(t *testing.T) string {
	t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if found := regexp.MustCompile(`page: (http://\S+)`).FindStringSubmatch(c.text()); found != nil {
			return found[1]
		}
	}
	t.Fatalf("no page: %s", c.text())
	return ""
}

// proxy forwards connections until they are cut.
type proxy struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	cut      bool
	open     []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, to: to}
	go p.serve(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		_ = listener.Close() // it is read already
		p.set(true)
	})
	return p
}

func (p *proxy) serve(ctx context.Context) {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := new(net.Dialer).DialContext(ctx, "tcp", p.to)
		p.mu.Lock()
		if p.cut || err != nil {
			p.mu.Unlock()
			_ = from.Close() // it is read already
			if err == nil {
				_ = to.Close() // it is read already
			}
			continue
		}
		p.open = append(p.open, from, to)
		p.mu.Unlock()
		go func() { _, _ = io.Copy(from, to) }()
		go func() { _, _ = io.Copy(to, from) }()
	}
}

// set cuts all connections and refuses new ones, or lets them pass again.
func (p *proxy) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for _, connection := range p.open {
			_ = connection.Close() // it is read already
		}
		p.open = nil
	}
}

// shop is a database with a table that takes some seconds to fill.
func shop(t *testing.T, c *server.Cluster, rows int) servertest.DB {
	t.Helper()
	db := servertest.Database(t, c)
	connection, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(t.Context())
	if _, err := connection.Exec(t.Context(), fmt.Sprintf(`CREATE SCHEMA app;
		CREATE TABLE app.orders (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), total int NOT NULL DEFAULT 0);
		CREATE TABLE app."<b>x" (id bigserial PRIMARY KEY);
		INSERT INTO app.orders (total) SELECT n FROM generate_series(1, %d) n;
		ANALYZE app.orders`, rows)); err != nil {
		t.Fatal(err)
	}
	return db
}

func filled(p *browsertest.Page) int64 {
	return browsertest.Eval[int64](p, "Number(document.querySelector('#rows').dataset.value || 0)")
}

// rekey serve shows a run that begins later, as the journal has it; pauses, resumes and tunes it; continues after a cut, and after
// the database was lost; and shows the next run.
func TestServeBesideARun(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		db := shop(t, c, 300_000)
		database := servertest.Through(t, db.URL)
		serve := begin(t, "serve", "--schema", "app", "--listen", "127.0.0.1:0", "--database-url", database.URL)
		address := serve.url(t)
		between := newProxy(t, strings.TrimPrefix(strings.Split(address, "/#")[0], "http://"))
		p := browsertest.Open(t, strings.Replace(address, between.to, between.listener.Addr().String(), 1), browsertest.Desktop())
		p.Wait("document.querySelector('#reason').textContent.startsWith('No run has begun')")
		up := begin(t, "up", "--schema", "app", "--pace", "gentle", "--batch-time", "2ms", "--quiet", "--database-url", db.URL)
		p.Wait("Number(document.querySelector('#rows').dataset.value) > 1000")

		p.Click("#pause")
		p.Wait("document.querySelector('#badge').dataset.status === 'paused'")
		before := paused(t, db)
		p.Expect("net::ERR")
		between.set(true)
		p.Wait("document.querySelector('#badge').dataset.status === 'cut' && document.querySelector('#trouble').textContent.includes('is lost')")
		between.set(false)
		p.Wait("document.querySelector('#badge').dataset.status === 'paused' && document.querySelector('#trouble').hidden")
		if after := paused(t, db); after != before {
			t.Errorf("the rows did not stand still while the run was paused: %d, then %d", before, after)
		}
		database.Cut()
		p.Wait("document.querySelector('#trouble').textContent.startsWith('The database does not answer') && document.querySelector('#badge').dataset.status === 'paused'")
		database.Mend()
		p.Wait("document.querySelector('#trouble').hidden")
		p.Axe()
		p.Screenshot("page-paused")

		browsertest.Eval[bool](p, "document.querySelector('#pace').value = 'full', document.querySelector('#pace').onchange(), true")
		p.Click("#resume")
		p.Wait("document.querySelector('#badge').dataset.status === 'done'")
		<-up.done
		if up.code != 0 {
			t.Fatalf("up: %d %s", up.code, up.text())
		}
		compare(t, p, db)
		p.Screenshot("page-done")
		down := begin(t, "down", "--schema", "app", "--quiet", "--database-url", db.URL)
		p.Wait("document.querySelector('#what').textContent.startsWith('down') && document.querySelector('#badge').dataset.status === 'done'")
		<-down.done
		if strings.Contains(up.text()+serve.stdout.String(), strings.Split(address, "#")[1]) {
			t.Error("the token is in the output")
		}
	})
}

// paused returns the number of rows that have a uuid.
func paused(t *testing.T, db servertest.DB) (rows int64) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(t.Context())
	if err := connection.QueryRow(t.Context(), "SELECT count(uuid) FROM app.orders").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// compare compares what the page shows with what the journal has.
func compare(t *testing.T, p *browsertest.Page, db servertest.DB) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	runs, err := journal.Runs(t.Context(), pool, "app")
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	entries, err := journal.LoadEvents(t.Context(), pool, runs[0].ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	state := history.State{Run: runs[0].ID}
	for _, entry := range entries {
		state = history.Fold(state, entry)
	}
	if got := filled(p); got != state.Done() || got < 300_000 {
		t.Errorf("the page shows %d rows, the journal has %d", got, state.Done())
	}
	if got := browsertest.Eval[int](p, "Number(document.querySelector('#locks').dataset.value)"); got != len(state.Locks) {
		t.Errorf("the page shows %d locks, the journal has %d", got, len(state.Locks))
	}
	if got := browsertest.Eval[int](p, "Charts.count()"); got != len(state.Samples) || got == 0 {
		t.Errorf("the charts have %d samples, the journal has %d", got, len(state.Samples))
	}
	shown := browsertest.Eval[[]string](p, "[...document.querySelectorAll('#log li')].map((l) => l.dataset.number + ' ' + l.lastChild.textContent)")
	var logged []string
	for i, line := range state.Log {
		logged = append(logged, fmt.Sprintf("%d %s", i+1, line.Text))
	}
	if a, b := strings.Join(shown, "\n"), strings.Join(logged, "\n"); a != b {
		t.Errorf("the page's log:\n%s\nthe journal's log:\n%s", a, b)
	}
	tables := browsertest.Eval[[]string](p, "[...document.querySelectorAll('#rows-of-tables tr')].map((r) => r.dataset.name + ' ' + r.dataset.done)")
	for _, table := range state.Finished {
		if row := fmt.Sprintf("%s %d", table.Name, table.Done); !strings.Contains(strings.Join(tables, "\n"), row) {
			t.Errorf("%q is not in %q", row, tables)
		}
	}
}

// The page of up stops its run, shows that, and ends with it.
func TestPageOfUpStopsTheRun(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		db := shop(t, c, 20_000)
		hold := filepath.Join(t.TempDir(), "hold")
		if err := os.WriteFile(hold, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		up := begin(t, "up", "--schema", "app", "--serve", "127.0.0.1:0", "--throttle-file", hold, "--json", "--database-url", db.URL)
		address := up.url(t)
		p := browsertest.Open(t, address, browsertest.Phone())
		p.Wait("document.querySelector('#badge').dataset.status === 'paused'")
		if reason := browsertest.Eval[string](p, "document.querySelector('#reason').dataset.value"); !strings.Contains(reason, "file") {
			t.Errorf("the reason is %q", reason)
		}
		p.Click("#stop")
		p.Click("#really")
		p.Wait("document.querySelector('#badge').dataset.status === 'ended' && document.querySelector('#trouble').textContent.includes('rekey has ended')")
		<-up.done
		if up.code != 7 {
			t.Errorf("up ended with %d: %s", up.code, up.text())
		}
		if strings.Contains(up.stdout.String(), strings.Split(address, "#")[1]) {
			t.Error("the token is among the events")
		}
	})
}

// A browser with a wrong token shows why it sees nothing.
func TestPageWithAWrongToken(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		serve := begin(t, "serve", "--schema", "public", "--listen", "127.0.0.1:0", "--database-url", servertest.Database(t, c).URL)
		address, _, _ := strings.Cut(serve.url(t), "#")
		for fragment, said := range map[string]string{"#wrong": "the token is wrong", "": "the token is missing"} {
			p := browsertest.Open(t, "about:blank", browsertest.Desktop())
			p.Expect("status of 403")
			p.Expect("status of 401")
			p.Go(address + fragment)
			p.Wait(fmt.Sprintf("document.querySelector('#trouble').textContent.includes(%q)", said))
			p.Axe()
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "rebound.example.com"
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close() // it is read already
		if answer.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("another host: %d", answer.StatusCode)
		}
	})
}
