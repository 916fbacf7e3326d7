package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/problem"
)

// reads returns a library whose journal has one of these after the other, and the last one for ever.
func reads(all ...func() (*rekey.Progress, error)) library {
	var n atomic.Int64
	return library{
		progress: func(*pgxpool.Pool, job) (func(context.Context) (*rekey.Progress, error), error) {
			return func(context.Context) (*rekey.Progress, error) { return all[min(int(n.Add(1)), len(all))-1]() }, nil
		},
		status: func(context.Context, *pgxpool.Pool, job) (rekey.Status, error) {
			return rekey.Status{Schema: "app"}, nil
		},
	}
}

func gives(p *rekey.Progress) func() (*rekey.Progress, error) {
	return func() (*rekey.Progress, error) { return p, nil }
}

func fails(err error) func() (*rekey.Progress, error) {
	return func() (*rekey.Progress, error) { return nil, err }
}

func active(run int64, percent int) *rekey.Progress {
	begin := time.Date(2026, 3, 1, 2, 14, 5, 0, time.UTC)
	return &rekey.Progress{
		Run: run, Active: true, Command: "up", Started: begin, Recorded: begin.Add(time.Duration(percent) * time.Second),
		Parts: 2, Done: int64(percent), Total: 100, Percent: percent,
	}
}

func ended(run int64, ok bool) *rekey.Progress {
	p := active(run, 100)
	p.Active, p.Result = false, &event.Result{OK: ok, Command: "up", Schema: "app", Tables: 2}
	if !ok {
		p.Result.Problems = problem.List{{Kind: problem.Failed, Code: "x", Message: "the disk is full", Hint: "Make room."}}
	}
	return p
}

// TestWatchWritesLines watches without a terminal: a run, its end, and another run that begins at once.
func TestWatchWritesLines(t *testing.T) {
	t.Parallel()
	releases := ended(7, true)
	releases.Active = true
	next := active(8, 0)
	next.Recorded = time.Time{}
	l := reads(gives(active(7, 40)), gives(releases), gives(next), gives(ended(8, false)))
	got := try(t, l, nil, "status", "--schema", "app", "--watch")
	lines := strings.Split(got.stdout, "\n")
	if got.code != 0 || strings.Contains(got.stdout, "\x1b") || !strings.HasPrefix(lines[0], "2026-03-01T02:14:45Z RUNNING 40%") || !strings.HasPrefix(lines[1], "2026-03-01T02:14:05Z STARTING") ||
		!strings.HasPrefix(lines[2], "up: not finished") || !strings.Contains(got.stdout, "ERROR:  the disk is full\nHINT:  Make room.") {
		t.Errorf("%d %s\n%s", got.code, got.stderr, got.stdout)
	}
}

// TestWatchWritesJSON watches with --json: a line for each change, one while the database is gone, and one at the end.
func TestWatchWritesJSON(t *testing.T) {
	t.Parallel()
	l := reads(gives(active(7, 40)), fails(&pg.SilentError{}), gives(active(7, 40)), gives(active(7, 40)), gives(ended(7, true)))
	got := try(t, l, nil, "status", "--schema", "app", "--watch", "--json")
	var all []watchedLine
	for line := range strings.Lines(got.stdout) {
		var one watchedLine
		if err := json.Unmarshal([]byte(line), &one); err != nil || one.FormatVersion != event.FormatVersion || one.Schema != "app" || one.Progress == nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, one)
	}
	if got.code != 0 || len(all) != 4 || all[0].Trouble != "" || all[1].Trouble == "" || all[1].Progress.Percent != 40 || all[2].Trouble != "" || all[3].Progress.Result == nil || all[3].Progress.Active {
		t.Errorf("%d %s\n%s", got.code, got.stderr, got.stdout)
	}
}

// TestWatchWithoutARun checks the output if no run is active, and that nothing is ignored.
func TestWatchWithoutARun(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"--schema app --watch":         "Status: schema app.",
		"--schema app --watch --json":  `{"format_version":2,"schema":"app","progress":null}`,
		"--schema app --watch --quiet": "",
	} {
		got := try(t, reads(gives(nil)), nil, append([]string{"status"}, strings.Fields(words)...)...)
		if got.code != 0 || !strings.HasPrefix(got.stdout, want) || want == "" && got.stdout != "" {
			t.Errorf("%s: %+v", words, got)
		}
	}
	if got := try(t, reads(gives(nil)), nil, "status", "--schema", "tenant_*", "--watch"); got.code != 2 || !strings.Contains(got.stderr, "--watch is about one schema") {
		t.Errorf("a pattern: %+v", got)
	}
}

// TestSignalEndsTheWatchQuietly checks that a signal ends a watch with its exit code and without a message: no statement of a run
// was cancelled, and there is nothing to resume.
func TestSignalEndsTheWatchQuietly(t *testing.T) {
	t.Parallel()
	for signal, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		for _, more := range []string{"", "--json", "--quiet"} {
			signals := make(chan os.Signal, 1)
			signals <- signal
			l := reads(gives(active(7, 40)))
			got := try(t, l, signals, append([]string{"status", "--schema", "app", "--watch"}, strings.Fields(more)...)...)
			if got.code != want || got.stderr != "" || strings.Count(got.stdout, "\n") > 1 || strings.Contains(got.stdout, "interrupted") {
				t.Errorf("%s %s: %+v", signal, more, got)
			}
		}
	}
}

// TestWatchEndsWithAnError checks that an error that no other connection mends ends the watch.
func TestWatchEndsWithAnError(t *testing.T) {
	t.Parallel()
	refused := &problem.Problem{Kind: problem.Refused, Code: "journal_conflict", Message: "no"}
	got := try(t, reads(gives(active(7, 40)), fails(refused)), nil, "status", "--schema", "app", "--watch", "--quiet")
	if got.code != problem.ExitCode(errors.Join(refused)) || got.stdout != "" {
		t.Errorf("%+v", got)
	}
}
