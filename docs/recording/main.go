// Command recording runs rekey in a terminal on a throw-away PostgreSQL and writes what the terminal showed as an
// animated SVG:
//
//	go run ./docs/recording docs/recording/rekey.svg
//	go run ./docs/recording docs/recording/journey.svg
//
// Or it runs rekey up over 2,000,000 rows under traffic, and writes pictures of the terminal, the page and the report:
//
//	go run ./docs/recording docs/pictures
//
// The name selects the recording. It needs the program script of util-linux, which gives rekey a terminal; the pictures need
// Chromium.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/terminal"
)

const (
	columns, lines = 80, 30
	// smallRows is the number of orders in shop.sql.
	smallRows = "50000"
	// readingTime is how long the output of a command stays before the next command begins.
	readingTime = 4 * time.Second
)

// recording is what an animation shows.
type recording struct {
	label string
	// rows is the number of orders in the recorded database.
	rows     string
	commands []string
}

// recordings returns the recording of each file.
func recordings() map[string]recording {
	return map[string]recording{
		"rekey.svg": {label: "rekey plan, up and verify in a terminal", rows: "300000", commands: []string{
			"rekey plan --schema app", "rekey up --schema app", "rekey verify --schema app",
		}},
		"journey.svg": {label: "rekey up to linked, switched and contracted in a terminal", rows: "100000", commands: []string{
			"rekey up --schema app --to linked",
			"rekey up --schema app --to switched --accept group-by,on-conflict-constraint,on-conflict-race",
			"rekey status --schema app",
			"rekey down --schema app --to linked",
			"rekey up --schema app --to switched --accept group-by,on-conflict-constraint,on-conflict-race",
			`psql "$DATABASE_URL" -c 'DROP VIEW app.open_orders'`,
			"rekey up --schema app --to contracted --confirm app --soak 0s --accept integer-reads",
			"rekey verify --schema app",
		}},
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: recording rekey.svg|journey.svg|pictures")
		os.Exit(2)
	}
	target := os.Args[1]
	record := func(ctx context.Context) error { return recordNight(ctx, target) }
	if name := filepath.Base(target); name != "pictures" {
		chosen, ok := recordings()[name]
		if !ok {
			fmt.Fprintln(os.Stderr, "recording: the name is rekey.svg, journey.svg or pictures")
			os.Exit(2)
		}
		record = func(ctx context.Context) error { return chosen.record(ctx, target) }
	}
	if err := record(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}

// build builds the program rekey in a directory.
func build(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, "rekey"), "./cmd/rekey") //nolint:gosec // dir is ours
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, output)
	}
	return nil
}

func (r recording) record(ctx context.Context, file string) (err error) {
	dir, err := os.MkdirTemp("", "recording")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(ctx, dir); err != nil {
		return err
	}
	installation, err := server.FindAny(ctx)
	if err != nil {
		return err
	}
	cluster, err := server.Start(ctx, installation, server.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(ctx) }()
	if err := openShop(ctx, cluster, r.rows); err != nil {
		return err
	}

	s := terminal.New(columns, lines)
	var movie []frame
	for _, command := range r.commands {
		_, _ = s.Write([]byte("\x1b[1m$ " + command + "\x1b[0m\r\n"))
		movie = append(movie, frame{s.Picture(), time.Second})
		shown, err := runInTerminal(ctx, s, dir, cluster.URL("shop"), command)
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		movie = append(movie, shown...)
		movie[len(movie)-1].shown = readingTime
	}
	return os.WriteFile(file, []byte(svg(movie, lines, r.label)), 0o644) //nolint:gosec // it is committed
}

// openShop creates the database of the tutorials with more rows, so that the backfill takes some seconds.
func openShop(ctx context.Context, cluster *server.Cluster, rows string) error {
	sql, err := os.ReadFile("docs/tutorials/shop.sql")
	if err != nil {
		return err
	}
	if err := execute(ctx, cluster.URL("postgres"), "CREATE DATABASE shop"); err != nil {
		return err
	}
	return execute(ctx, cluster.URL("shop"), strings.ReplaceAll(string(sql), smallRows, rows))
}

func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// runInTerminal runs the command in a pseudo-terminal and returns a frame for each change of the screen.
func runInTerminal(ctx context.Context, s *terminal.Screen, dir, url, command string) (shown []frame, err error) {
	line := fmt.Sprintf("stty cols %d rows %d; exec %s", columns, lines, command)
	cmd := exec.CommandContext(ctx, "script", "-qefc", line, os.DevNull) //nolint:gosec // line is one of the commands above
	cmd.Env = append(os.Environ(), "DATABASE_URL="+url, "TERM=xterm-256color", "CI=", "NO_COLOR=", "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	buffer := make([]byte, 64<<10)
	last := time.Now()
	for {
		n, err := out.Read(buffer)
		if n > 0 {
			_, _ = s.Write(buffer[:n])
			if pause := time.Since(last); len(shown) == 0 || pause >= frameTime {
				if len(shown) > 0 {
					shown[len(shown)-1].shown = min(pause, longestPause)
				}
				shown, last = append(shown, frame{}), time.Now()
			}
			shown[len(shown)-1] = frame{s.Picture(), frameTime}
		}
		if err != nil {
			break
		}
	}
	return shown, cmd.Wait()
}

// A frame lasts at least frameTime, so that the file stays small; a longer pause than longestPause is cut.
const (
	frameTime    = 200 * time.Millisecond
	longestPause = 1500 * time.Millisecond
)
