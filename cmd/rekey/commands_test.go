package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are the commands of scripts in addition to testscript's own.
func commands() map[string]command {
	return map[string]command{
		"exits": exits, "json": jsonHas, "ndjson": ndjson, "sql": sql, "hold": hold, "signal": interrupt, "width": width,
		"lines": lineCount, "bad": bad, "harmless": harmless, "hinted": hinted,
	}
}

// exits CODE COMMAND ... runs a command that must end with this exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	if got := code(ts, err); got != want {
		ts.Fatalf("%s ended with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func code(ts *testscript.TestScript, err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// json PATH VALUE compares a value in the last output, which is one document. The path consists of keys and indexes:
// groups.0.table; count is the length: groups.count.
func jsonHas(ts *testscript.TestScript, neg bool, args []string) {
	check(ts, neg, ts.ReadFile("stdout"), args)
}

// ndjson PATH VALUE compares a value in the last line; ndjson events EVENT needs at least one such event.
func ndjson(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	if args[0] != "events" {
		check(ts, neg, lines[len(lines)-1], args)
		return
	}
	found := false
	for _, line := range lines {
		var event struct {
			FormatVersion int `json:"format_version"`
			Event         string
			At            time.Time
		}
		ts.Check(json.Unmarshal([]byte(line), &event))
		if event.FormatVersion != 2 || event.At.IsZero() {
			ts.Fatalf("no format version or no time in %s", line)
		}
		found = found || event.Event == args[1]
	}
	if found == neg {
		ts.Fatalf("event %s: %v", args[1], found)
	}
}

func check(ts *testscript.TestScript, neg bool, text string, args []string) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		ts.Fatalf("no JSON: %v in %s", err, text)
	}
	for part := range strings.SplitSeq(args[0], ".") {
		value = into(ts, value, part)
	}
	got, isText := value.(string)
	if !isText {
		bytes, err := json.Marshal(value)
		ts.Check(err)
		got = string(bytes)
	}
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %s, asked for: %s", args[0], got, args[1])
	}
}

func into(ts *testscript.TestScript, value any, part string) any {
	switch value := value.(type) {
	case map[string]any:
		return value[part]
	case []any:
		if part == "count" {
			return len(value)
		}
		i, err := strconv.Atoi(part)
		ts.Check(err)
		if i < 0 {
			i += len(value)
		}
		if i < len(value) {
			return value[i]
		}
	}
	ts.Fatalf("there is no %s", part)
	return nil
}

// sql STATEMENT [VALUE] runs a statement. If it returns a value, that must be VALUE.
func sql(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, ts.Getenv("REKEY_DATABASE_URL"))
	ts.Check(err)
	defer conn.Close(ctx)
	if len(args) == 1 {
		_, err = conn.Exec(ctx, args[0], pgx.QueryExecModeSimpleProtocol)
		ts.Check(err)
		return
	}
	var got any
	ts.Check(conn.QueryRow(ctx, args[0]).Scan(&got))
	if fmt.Sprint(got) != args[1] {
		ts.Fatalf("%s gave %v, want %s", args[0], got, args[1])
	}
}

// hold TABLE locks a table, as a long report does, until the script ends.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, ts.Getenv("REKEY_DATABASE_URL"))
	ts.Check(err)
	ts.Defer(func() { _ = conn.Close(ctx) })
	_, err = conn.Exec(ctx, "BEGIN")
	ts.Check(err)
	_, err = conn.Exec(ctx, "LOCK TABLE "+args[0]+" IN ACCESS SHARE MODE")
	ts.Check(err)
}

// signal NAME CODE WORD COMMAND ... starts a command, waits until it writes WORD to standard error, sends it the
// signal and compares the exit code. The output goes to the script's log.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	signal := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}[args[0]]
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[3], args[4:]...)
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "REKEY_DATABASE_URL=" + ts.Getenv("REKEY_DATABASE_URL")}
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	var told strings.Builder
	sent := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		told.WriteString(lines.Text() + "\n")
		if !sent && strings.Contains(lines.Text(), args[2]) {
			sent = true
			ts.Check(cmd.Process.Signal(signal))
		}
	}
	got := code(ts, cmd.Wait())
	ts.Logf("%s", told.String())
	ts.Check(os.WriteFile(ts.MkAbs("told"), []byte(told.String()), 0o600))
	if got != want || !sent {
		ts.Fatalf("ended with %d, want %d; signal sent: %v", got, want, sent)
	}
}

// lines N fails if the last output has more than N lines.
func lineCount(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n := strings.Count(ts.ReadFile("stdout")+ts.ReadFile("stderr"), "\n"); n > most {
		ts.Fatalf("%d lines, more than %d", n, most)
	}
}

// width N fails if a line of the last output is wider than N columns.
func width(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile("stdout") + ts.ReadFile("stderr")) {
		if len([]rune(strings.TrimRight(line, "\n"))) > most {
			ts.Fatalf("wider than %d columns: %s", most, line)
		}
	}
}
