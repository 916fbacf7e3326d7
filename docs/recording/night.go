package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/browser"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/terminal"
)

//go:embed night.sql
var nightSQL string

// night is one run of rekey up under the application's traffic, with a pause and a burst in it.
type night struct {
	*camera
	work    string // the directory of the program and of the report
	url     string
	app     *traffic
	address string // of the page
	watched *window
}

// The pause begins when so many rows are filled, and the burst later.
const (
	pauseAt, pauseTime = 500_000, 6 * time.Second
	burstAt, burstTime = 1_100_000, 8 * time.Second
	// afterBurst is how long the page shows the run after the burst before the pictures are taken.
	afterBurst = 4 * time.Second
	nightLimit = 9 * time.Minute
	// mostBytes is the limit of the size of all pictures.
	mostBytes = 7 << 18 // 1.75 MB
)

// recordNight writes the pictures of docs/pictures.
func recordNight(ctx context.Context, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, nightLimit)
	defer cancel()
	n := &night{}
	if n.work, err = os.MkdirTemp("", "recording"); err != nil {
		return err
	}
	defer os.RemoveAll(n.work)
	if err := build(ctx, n.work); err != nil {
		return err
	}
	installation, err := server.Find(ctx, server.Newest)
	if err != nil {
		return err
	}
	cluster, err := server.Start(ctx, installation, server.Options{Durable: true, Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "4GB", "min_wal_size": "4GB",
	}})
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(context.WithoutCancel(ctx)) }()
	if n.url, err = openNight(ctx, cluster); err != nil {
		return err
	}
	if n.camera, err = newCamera(dir); err != nil {
		return err
	}
	defer n.stop()
	if n.app, err = startTraffic(ctx, n.url); err != nil {
		return err
	}
	if err := errors.Join(n.record(ctx), n.app.end()); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the application sent %d statements\n", n.app.sent.Load())
	return checkSize(dir)
}

func openNight(ctx context.Context, cluster *server.Cluster) (url string, err error) {
	if err := execute(ctx, cluster.URL("postgres"), "CREATE DATABASE shop"); err != nil {
		return "", err
	}
	url = cluster.URL("shop")
	for _, sql := range []string{nightSQL, "VACUUM (ANALYZE)", "CHECKPOINT"} {
		if err := execute(ctx, url, sql); err != nil {
			return "", err
		}
	}
	return url, nil
}

// record runs rekey up and takes the pictures.
func (n *night) record(ctx context.Context) error {
	rest(ctx, 2*time.Second) // the application's first statements
	up := n.rekey(ctx, "up", "--serve", "127.0.0.1:0", "--report", "run.html")
	stderr := &notes{}
	up.Stderr = stderr
	if err := up.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	err := n.during(ctx, stderr)
	if err != nil {
		_ = up.Process.Signal(os.Interrupt)
	}
	if ended := <-ended; ended != nil || err != nil {
		return errors.Join(err, ended, errors.New(stderr.String()))
	}
	return n.after(ctx)
}

// during takes the pictures of the active run.
func (n *night) during(ctx context.Context, stderr *notes) error {
	var err error
	if n.address, err = stderr.page(ctx); err != nil {
		return err
	}
	if err := n.filled(ctx, 1); err != nil {
		return err
	}
	if n.watched, err = watch(ctx, n.rekey(ctx, "status", "--watch")); err != nil {
		return err
	}
	if err := n.filled(ctx, pauseAt); err != nil {
		return err
	}
	if err := n.pause(ctx); err != nil {
		return err
	}
	if err := n.filled(ctx, burstAt); err != nil {
		return err
	}
	n.app.burst.Store(true)
	rest(ctx, burstTime)
	if err := n.watched.save(n.dir, "watch.svg", "rekey status --watch in a terminal"); err != nil {
		return err
	}
	n.app.burst.Store(false)
	rest(ctx, afterBurst)
	// The page is opened again this late since Chromium competes with the server for the processors. It shows the run from its beginning.
	return errors.Join(
		n.open(n.address, browser.Desktop()), n.wait(ctx, "document.querySelector('#rows').dataset.value > 0"),
		n.page("page.png", browser.Desktop()), n.page("page-dark.png", browser.Desktop().InDark()), n.window("page-phone.png", browser.Phone()),
	)
}

// filled waits until that many rows are filled.
func (n *night) filled(ctx context.Context, rows int64) error {
	return n.until(ctx, func(s state) bool { return s.Done >= rows })
}

// state is a part of what the page shows.
type state struct {
	Status string `json:"status"`
	Done   int64  `json:"done"`
}

// until waits for a state of the run.
func (n *night) until(ctx context.Context, is func(state) bool) error {
	base, token, _ := strings.Cut(n.address, "#")
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"state", nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		var found struct {
			View state `json:"view"`
		}
		err = errors.Join(json.NewDecoder(answer.Body).Decode(&found), answer.Body.Close())
		if err != nil || is(found.View) {
			return err
		}
		rest(ctx, 100*time.Millisecond)
	}
}

// pause pauses the run for a time, as an operator does in another terminal.
func (n *night) pause(ctx context.Context) error {
	if output, err := n.rekey(ctx, "pause").CombinedOutput(); err != nil {
		return fmt.Errorf("pause: %w: %s", err, output)
	}
	if err := n.until(ctx, func(s state) bool { return s.Status == "paused" }); err != nil {
		return err
	}
	rest(ctx, pauseTime)
	err := errors.Join(
		n.watched.save(n.dir, "watch-paused.svg", "rekey status --watch in a terminal, paused"),
		n.open(n.address, browser.Desktop()), n.wait(ctx, "document.querySelector('#rows').dataset.value > 0"),
		n.window("page-paused.png", browser.Desktop()), n.open("about:blank", browser.Desktop()),
	)
	if err != nil {
		return err
	}
	if output, err := n.rekey(ctx, "resume").CombinedOutput(); err != nil {
		return fmt.Errorf("resume: %w: %s", err, output)
	}
	return nil
}

// after takes the pictures of the run that has ended, and of its report.
func (n *night) after(ctx context.Context) error {
	if err := n.watched.ended(ctx); err != nil {
		return err
	}
	report := browser.View{Width: 1000, Height: 900}
	return errors.Join(n.open("file://"+filepath.Join(n.work, "run.html"), report), n.window("report.png", report), n.page("report-whole.png", report), n.element("report-impact.png", report, "#impact"))
}

// rekey returns a command of rekey.
func (n *night) rekey(ctx context.Context, command string, flags ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(n.work, "rekey"), append([]string{command, "--schema", "app"}, flags...)...) //nolint:gosec // the program is built above
	cmd.Dir = n.work
	cmd.Env = append(os.Environ(), "DATABASE_URL="+n.url)
	return cmd
}

// notes are what a command writes to standard error.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(text []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(text)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// page waits for the address of the page.
func (n *notes) page(ctx context.Context) (string, error) {
	line := regexp.MustCompile(`page: (http://\S+)\s`)
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit) && ctx.Err() == nil; rest(ctx, 50*time.Millisecond) {
		if found := line.FindStringSubmatch(n.String()); found != nil {
			return found[1], nil
		}
	}
	return "", errors.New("rekey up printed no address of a page")
}

// window is a terminal that shows a command.
type window struct {
	mu     sync.Mutex
	screen *terminal.Screen
	done   chan error
}

const windowLines = 24

// watch runs a command in a pseudo-terminal.
func watch(ctx context.Context, command *exec.Cmd) (*window, error) {
	w := &window{screen: terminal.New(columns, windowLines), done: make(chan error, 1)}
	line := fmt.Sprintf(`stty cols %d rows %d; exec "$@"`, columns, windowLines)
	cmd := exec.CommandContext(ctx, "script", "-qefc", "set -- "+quoted(command.Args)+"; "+line, os.DevNull) //nolint:gosec // the command is rekey's
	cmd.Dir, cmd.Env = command.Dir, slices.Concat(command.Env, []string{"TERM=xterm-256color", "CI=", "NO_COLOR="})
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { w.done <- cmd.Wait() }()
	return w, nil
}

func quoted(words []string) (line string) {
	for _, word := range words {
		line += " '" + word + "'"
	}
	return line
}

func (w *window) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.screen.Write(text)
}

// ended waits until the command has ended.
func (w *window) ended(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-w.done:
		return err
	}
}

// save writes what the terminal shows.
func (w *window) save(dir, name, label string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := []frame{{w.screen.Picture(), time.Second}}
	return os.WriteFile(filepath.Join(dir, name), []byte(svg(shown, len(shown[0].picture), label)), 0o644) //nolint:gosec // it is committed
}

// checkSize fails if the pictures are too large for a repository.
func checkSize(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	sum := int64(0)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return err
		}
		sum += info.Size()
	}
	if sum > mostBytes {
		return fmt.Errorf("the pictures in %s have %d bytes, at most %d", dir, sum, mostBytes)
	}
	return nil
}
