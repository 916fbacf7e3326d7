package page_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/page"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// control accepts every request.
type control struct{ got []string }

func (c *control) Pause(context.Context) error  { c.got = append(c.got, "pause"); return nil }
func (c *control) Resume(context.Context) error { c.got = append(c.got, "resume"); return nil }

func (c *control) Stop(context.Context) error {
	return &problem.Problem{Kind: problem.Failed, Code: "no_run", Message: "no run is active in schema app"}
}

func (c *control) Pace(_ context.Context, pace string) error {
	c.got = append(c.got, "pace="+pace)
	return nil
}

func (c *control) MaxImpact(_ context.Context, limit string) error {
	c.got = append(c.got, "max-impact="+limit)
	return nil
}

// served is a page that is served to the test.
type served struct {
	*page.Server
	board   *page.Board
	control *control
	client  *http.Client
}

func serve(t *testing.T) served {
	t.Helper()
	board := page.NewBoard()
	server, err := page.Listen(t.Context(), "127.0.0.1:0", board, page.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := served{server, board, &control{}, &http.Client{Transport: &http.Transport{}}}
	server.SetControl(s.control)
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		server.Close()
	})
	return s
}

// do sends a request with headers, "Name: value" each.
func (s served) do(t *testing.T, method, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	answer := s.open(t, method, path, body, headers...)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

func (s served) open(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Address()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
		if name == "Host" {
			request.Host = value
		}
	}
	answer, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (s served) bearer() string { return "Authorization: Bearer " + s.Token() }

// cookie exchanges the token for the cookie, as the page does.
func (s served) cookie(t *testing.T) string {
	t.Helper()
	code, _, header := s.do(t, http.MethodPost, "/session", "", s.bearer(), "Origin: http://"+s.Address(), "Sec-Fetch-Site: same-origin")
	set := header.Get("Set-Cookie")
	if code != http.StatusNoContent || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") || strings.Contains(set, s.Token()) {
		t.Fatalf("%d, cookie %q", code, set)
	}
	pair, _, _ := strings.Cut(set, ";")
	return "Cookie: " + pair
}

func TestWhatIsRefused(t *testing.T) {
	s := serve(t)
	cookie, origin := s.cookie(t), "Origin: http://"+s.Address()
	for _, c := range []struct {
		what, method, path, body string
		headers                  []string
		code                     int
		text                     string
	}{
		{"no token", "GET", "/state", "", nil, 401, "the token is missing"},
		{"a wrong token", "GET", "/state", "", []string{"Authorization: Bearer x"}, 403, "the token is wrong"},
		{"the token as a password", "GET", "/state", "", []string{"Authorization: Basic " + s.Token()}, 403, "the token is wrong"},
		{"the token in the address", "GET", "/state?token=" + s.Token(), "", nil, 401, "the token is missing"},
		{"a wrong cookie", "GET", "/events", "", []string{cookie + "x"}, 403, "the token is wrong"},
		{"metrics without a token", "GET", "/metrics", "", nil, 401, "the token is missing"},
		{"a wrong token for the cookie", "POST", "/session", "", []string{"Authorization: Bearer x", origin}, 403, "the token is wrong"},
		{"another host", "GET", "/", "", []string{"Host: rekey.example.com"}, 421, "does not answer for the host"},
		{"another host that begins alike", "GET", "/", "", []string{"Host: 127.0.0.1.example.com"}, 421, "does not answer for the host"},
		{"an address of the network", "GET", "/", "", []string{"Host: 192.0.2.1:80"}, 421, "does not answer for the host"},
		{"another host with a token", "POST", "/run/pause", "", []string{s.bearer(), "Host: evil.test"}, 421, "does not answer for the host"},
		{"another origin", "POST", "/run/pause", "", []string{cookie, "Origin: http://evil.test"}, 403, "comes from another page"},
		{"another port's origin", "POST", "/run/pause", "", []string{cookie, "Origin: http://127.0.0.1:1"}, 403, "comes from another page"},
		{"no origin", "POST", "/run/pause", "", []string{cookie}, 403, "comes from another page"},
		{"an opaque origin", "POST", "/run/pause", "", []string{cookie, "Origin: null"}, 403, "comes from another page"},
		{"another site", "POST", "/run/pause", "", []string{cookie, origin, "Sec-Fetch-Site: cross-site"}, 403, "comes from another page"},
		{"GET of a control", "GET", "/run/stop", "", []string{s.bearer()}, 405, "only POST"},
		{"POST of the state", "POST", "/state", "", []string{s.bearer()}, 405, "only GET"},
		{"POST of the page", "POST", "/", "", []string{s.bearer()}, 405, "only GET"},
		{"a large body", "POST", "/run/pace", `{"pace":"` + strings.Repeat("x", 5000) + `"}`, []string{s.bearer()}, 413, "larger than 4 kB"},
		{"no JSON", "POST", "/run/pace", "pace=gentle", []string{s.bearer()}, 400, "is not JSON"},
		{"an unknown field", "POST", "/run/pace", `{"speed":"full"}`, []string{s.bearer()}, 400, "is not JSON"},
		{"two values", "POST", "/run/pace", `{"pace":"full"}{}`, []string{s.bearer()}, 400, "is not JSON"},
		{"half a value", "POST", "/run/pace", `{"pace":`, []string{s.bearer()}, 400, "is not JSON"},
		{"no run", "POST", "/run/stop", "", []string{s.bearer()}, 409, "no run is active in schema app"},
		{"another path", "GET", "/../../etc/passwd", "", nil, 404, "nothing at this path"},
		{"another file", "GET", "/page.go", "", nil, 404, "nothing at this path"},
	} {
		code, text, header := s.do(t, c.method, c.path, c.body, c.headers...)
		if code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s: %d %q", c.what, code, text)
		}
		if header.Get("Content-Security-Policy") == "" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", c.what, header)
		}
		if strings.Contains(text, s.Token()) {
			t.Errorf("%s: the answer contains the token", c.what)
		}
	}
	if len(s.control.got) != 0 {
		t.Errorf("the run got %v", s.control.got)
	}
	for _, accepted := range [][]string{{cookie, origin}, {cookie, origin, "Sec-Fetch-Site: same-origin"}, {s.bearer()}, {cookie, "Host: localhost:9", "Origin: http://localhost:9"}} {
		if code, text, _ := s.do(t, "POST", "/run/pace", `{"pace":"full"}`, accepted...); code != http.StatusNoContent {
			t.Errorf("%v: %d %s", accepted, code, text)
		}
	}
	if got := strings.Join(s.control.got, " "); got != strings.TrimSpace(strings.Repeat("pace=full ", 4)) {
		t.Errorf("the run got %q", got)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	s := serve(t)
	if code, _, _ := s.do(t, "GET", "/", "", "X-Long: "+strings.Repeat("x", 40<<10)); code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: %d", code)
	}
	for _, malformed := range []string{"\x16\x03\x01\x00\x00", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "nonsense\r\n\r\n"} {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = connection.Write([]byte(malformed + "\r\n\r\n"))
		line, _ := bufio.NewReader(connection).ReadString('\n')
		if !strings.Contains(line, " 400 ") {
			t.Errorf("%q: %q", malformed, line)
		}
		_ = connection.Close() // it is read already
	}
	if code, _, _ := s.do(t, "GET", "/state", "", s.bearer()); code != http.StatusOK {
		t.Errorf("afterwards: %d", code)
	}
}

func TestAddresses(t *testing.T) {
	taken := serve(t)
	for address, code := range map[string]string{
		"127.0.0.1": "bad_page_address", "0.0.0.0:0": "page_not_loopback", ":0": "page_not_loopback", "[::]:0": "page_not_loopback",
		"192.0.2.1:80": "page_not_loopback", taken.Address(): "page_address",
	} {
		server, err := page.Listen(t.Context(), address, page.NewBoard(), page.Options{})
		if err == nil {
			server.Close()
			t.Errorf("%s is served", address)
			continue
		}
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || p.Code != code || p.Hint == "" {
			t.Errorf("%s: %v", address, err)
		}
	}
	server, err := page.Listen(t.Context(), "0.0.0.0:0", page.NewBoard(), page.Options{Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if server.Loopback() || !taken.Loopback() {
		t.Error("which address is a loopback address")
	}
}

// read returns the id and the data of the next server-sent event.
func read(t *testing.T, lines *bufio.Scanner) (id, data string) {
	t.Helper()
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
		case "id":
			id = value
		case "data":
			return id, value
		}
	}
	t.Fatalf("the stream has ended: %v", lines.Err())
	return "", ""
}

func TestStreamContinuesAfterTheLastEvent(t *testing.T) {
	s := serve(t)
	begin := time.Now().Add(-time.Minute)
	s.board.Event(event.RunStarted{Run: 3, Command: "up", Schema: "app", Tables: 1, Rows: 10}, begin)
	for second := range 5 {
		s.board.Event(event.Load{WAL: float64(second)}, begin.Add(time.Duration(second)*time.Second))
	}
	s.board.Event(event.Notice{Text: "first"}, begin.Add(5*time.Second))
	first := s.open(t, "GET", "/events", "", s.bearer())
	lines := bufio.NewScanner(first.Body)
	id, data := read(t, lines)
	if !strings.Contains(data, `"reset":true`) || !strings.Contains(data, "first") || strings.Count(data, ",null,null,") == 0 {
		t.Errorf("the first event: %s", data)
	}
	s.board.Event(event.Notice{Text: "second"}, begin.Add(6*time.Second))
	if _, data := read(t, lines); !strings.Contains(data, `"reset":false`) || strings.Contains(data, "first") || !strings.Contains(data, "second") {
		t.Errorf("the next event: %s", data)
	}
	_ = first.Body.Close() // it is read already
	s.board.Event(event.Notice{Text: "third"}, begin.Add(7*time.Second))
	for _, again := range []*http.Response{s.open(t, "GET", "/events", "", s.bearer(), "Last-Event-ID: "+id), s.open(t, "GET", "/events?after="+id, "", s.bearer())} {
		_, data = read(t, bufio.NewScanner(again.Body))
		if !strings.Contains(data, `"reset":false`) || strings.Contains(data, "first") || !strings.Contains(data, "second") || !strings.Contains(data, "third") {
			t.Errorf("after the cut: %s", data)
		}
		_ = again.Body.Close() // it is read already
	}
	for _, unknown := range []string{"2.0.0", "3.0.99999", "x", "-1.2.3"} {
		again := s.open(t, "GET", "/events", "", s.bearer(), "Last-Event-ID: "+unknown)
		if _, data := read(t, bufio.NewScanner(again.Body)); !strings.Contains(data, `"reset":true`) || !strings.Contains(data, "first") {
			t.Errorf("after %s: %s", unknown, data)
		}
		_ = again.Body.Close() // it is read already
	}
}

// A page more than the limit is refused, and one that closes makes room.
func TestManyPages(t *testing.T) {
	s := serve(t)
	var open []*http.Response
	for {
		answer := s.open(t, "GET", "/events", "", s.bearer())
		if answer.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close() // it is read already
			if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "pages are open already") || answer.Header.Get("Retry-After") == "" {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
			break
		}
		if open = append(open, answer); len(open) > 1000 {
			t.Fatal("there is no limit")
		}
	}
	for _, answer := range open {
		_ = answer.Body.Close() // it is read already
	}
	for again := 0; ; again++ {
		answer := s.open(t, "GET", "/events", "", s.bearer())
		_ = answer.Body.Close() // it is read already
		if answer.StatusCode == http.StatusOK {
			break
		}
		if again > 1000 {
			t.Fatal("no page is let in again")
		}
		time.Sleep(10 * time.Millisecond) // the server notices closed connections when it writes
	}
}

func TestMetrics(t *testing.T) {
	s := serve(t)
	if _, text, _ := s.do(t, "GET", "/metrics", "", s.bearer()); !strings.Contains(text, "rekey_run_active 0") || strings.Contains(text, "rekey_rows") {
		t.Errorf("before a run:\n%s", text)
	}
	at := time.Now()
	for _, e := range []event.Event{
		event.RunStarted{Run: 3, Command: "up", Schema: "app", Tables: 3, Rows: 1000},
		event.Environment{Program: "1.0.0", Server: "18.4", Phase: "linked"},
		event.TableStarted{Table: "app.orders", Rows: 1000},
		event.Locked{Table: "app.orders", Attempts: 2, Wait: 5 * time.Millisecond, Hold: time.Millisecond},
		event.Progress{Table: "app.orders", Done: 250, Total: 1000, Rate: 50},
		event.Impact{Commit: 2 * time.Millisecond, CommitIdle: time.Millisecond, Read: 300 * time.Microsecond, ReadIdle: 200 * time.Microsecond, Ratio: 2, Limit: 1.5, Workers: 2, BatchTime: 10 * time.Millisecond, Duty: .5},
		event.Load{WAL: 4096, Lag: 2 * time.Second, Waiting: 1, Batch: 8 * time.Millisecond},
	} {
		s.board.Event(e, at)
	}
	code, text, _ := s.do(t, "GET", "/metrics", "", s.bearer())
	s.board.Event(event.Throttled{Reason: "standby lags", Paused: true, Signal: "lag"}, at)
	_, paused, _ := s.do(t, "GET", "/metrics", "", s.bearer())
	if strings.Contains(paused, "rekey_impact_ratio") {
		t.Errorf("paused, with an impact:\n%s", paused)
	}
	for _, line := range []string{
		`rekey_run_info{command="up",phase="linked",program="1.0.0",run="3",schema="app",server="18.4"} 1`, "rekey_rows_filled_total 250", "rekey_rows_planned 1000",
		"rekey_impact_ratio 2", "rekey_impact_limit_ratio 1.5", "rekey_commit_p95_seconds 0.002", "rekey_read_idle_p95_seconds 0.0002", "rekey_wal_bytes_per_second 4096",
		"rekey_replication_lag_seconds 2", "rekey_waiting_sessions 1", "rekey_run_paused 1", `rekey_run_throttled{reason="lag"} 1`, `rekey_run_throttled{reason="impact"} 0`,
		`rekey_table_rows_filled_total{table="app.orders"} 250`, `rekey_table_rows_planned{table="app.orders"} 1000`, "rekey_lock_waiting_seconds 0", `rekey_tables{state="active"} 1`, `rekey_tables{state="pending"} 2`, "rekey_lock_attempts_total 2",
	} {
		if !strings.Contains(text+paused, line+"\n") {
			t.Errorf("%d, without %s", code, line)
		}
	}
	found, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(found) > 0 {
		t.Errorf("promlint: %v %v", found, err)
	}
}
