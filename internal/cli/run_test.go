package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// Each kind of problem has its exit code, its text on standard error and its JSON on standard output.
func TestExitCodesAndOutput(t *testing.T) {
	for _, c := range []struct {
		kind problem.Kind
		code int
	}{
		{problem.Failed, 1},
		{problem.Usage, 2},
		{problem.Refused, 4},
		{problem.Running, 5},
		{problem.Differs, 6},
		{problem.Stopped, 7},
		{problem.Interrupted, 130},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			l := upWith(func(context.Context, *pgxpool.Pool, job) (event.Result, error) {
				return event.Result{}, fmt.Errorf("outside: %w", &problem.Problem{Kind: c.kind, Code: "x", Message: "the message", Detail: "the detail", Hint: "the hint"})
			})
			text := try(t, l, nil, phoenix("up")...)
			if want := "ERROR:  the message\nDETAIL:  the detail\nHINT:  the hint\n"; text.code != c.code || text.stderr != want || text.stdout != "" {
				t.Errorf("got %+v, want code %d and %q", text, c.code, want)
			}
			js := try(t, l, nil, phoenix("up", "--json")...)
			var result event.Result
			js.last(t, &result)
			if js.code != c.code || result.Exit != c.code || result.OK || len(result.Problems) != 1 || js.stderr != "" {
				t.Errorf("got %+v", js)
			}
		})
	}
}

func TestReportsSeveralProblems(t *testing.T) {
	l := library{status: func(context.Context, *pgxpool.Pool, job) (rekey.Status, error) {
		return rekey.Status{}, problem.List{{Kind: problem.Refused, Message: "one"}, {Kind: problem.Refused, Message: "two"}}
	}}
	if got := try(t, l, nil, phoenix("status")...); got.code != 4 || got.stderr != "ERROR:  one\nERROR:  two\n" {
		t.Errorf("got %+v", got)
	}
}

func TestPlanCommand(t *testing.T) {
	pending := rekey.Plan{Command: rekey.Up, Groups: []rekey.Group{{Table: "a", State: rekey.Pending}}}
	nothing := rekey.Plan{Command: rekey.Up, NothingToDo: true}
	refused := rekey.Plan{Command: rekey.Up, Refusals: problem.List{{Kind: problem.Refused, Code: "x", Message: "no"}}, Groups: pending.Groups}
	bare := rekey.Plan{Command: rekey.Up, Refusals: refused.Refusals}
	for _, c := range []struct {
		name           string
		doc            rekey.Plan
		words          string
		code           int
		stdout, stderr string
	}{
		{"pending", pending, "", 0, "Plan of up", ""},
		{"pending asked", pending, "--exit-code", 3, "Plan of up", ""},
		{"nothing asked", nothing, "--exit-code", 0, "There is nothing to do", ""},
		{"refused", refused, "", 4, "ERROR:  no", "refused by 1 problem"},
		{"refused asked", refused, "--exit-code", 4, "ERROR:  no", "refused by 1 problem"},
		{"refused quiet", refused, "--quiet", 4, "", "ERROR:  no"},
		{"refused json", refused, "--json", 4, `"message": "no"`, ""},
		{"no schema", bare, "", 4, "", "ERROR:  no"},
		{"no schema json", bare, "--json", 4, `"message": "no"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := try(t, planOf(c.doc), nil, append(phoenix("plan"), strings.Fields(c.words)...)...)
			if got.code != c.code || !has(got.stdout, c.stdout) || !has(got.stderr, c.stderr) {
				t.Errorf("got %+v, want %+v", got, c)
			}
		})
	}
}

// has reports whether a text contains another; "" matches only "".
func has(text, want string) bool { return strings.Contains(text, want) && (want != "") == (text != "") }

func TestVerifyCommand(t *testing.T) {
	l := library{verify: func(context.Context, *pgxpool.Pool, job) (rekey.Report, error) {
		return rekey.Report{Differences: []string{"a: 1 row without a uuid"}},
			&problem.Problem{Kind: problem.Differs, Code: "differs", Message: "1 difference"}
	}}
	if got := try(t, l, nil, phoenix("verify")...); got.code != 6 || !has(got.stdout, "a: 1 row without") || !has(got.stderr, "ERROR:  1 difference") {
		t.Errorf("got %+v", got)
	}
	if got := try(t, l, nil, phoenix("verify", "--json")...); got.code != 6 || !has(got.stdout, `"ok": false`) || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
}

// The flags become the options of the library.
func TestFlagsReachLibrary(t *testing.T) {
	var got job
	l := library{down: func(_ context.Context, _ *pgxpool.Pool, c job) (event.Result, error) {
		got = c
		return event.Result{Version: 39}, nil
	}}
	out := try(t, l, nil, phoenix("down", "--prefix", "it's", "--lock-timeout", "20ms", "--lock-retry-timeout", "1h", "--subscribers-ready", "--fire-triggers")...)
	if out.code != 0 || got.profile.Name != "phoenixkit" || got.schema.Name != "it's" || got.direction != rekey.Down ||
		got.options.Locks != (rekey.LockOptions{Timeout: 20 * time.Millisecond, RetryTimeout: time.Hour}) ||
		!got.options.Permissions.SubscribersReady || !got.options.Permissions.FireTriggers || got.options.Stop == nil || got.options.Direct != nil {
		t.Errorf("got %+v of %+v", got, out)
	}
	if want := `Next: rekey status --profile phoenixkit --prefix 'it'\''s'`; !strings.Contains(out.stderr, want) {
		t.Errorf("no %s in %s", want, out.stderr)
	}
	if out := try(t, l, nil, phoenix("down", "--quiet")...); out.stderr != "" || out.stdout != "" || out.code != 0 {
		t.Errorf("quiet: %+v", out)
	}
}

// The result is printed once, even if the library sends it as an event.
func TestResultComesLast(t *testing.T) {
	l := upWith(func(_ context.Context, _ *pgxpool.Pool, c job) (event.Result, error) {
		c.options.OnEvent(event.RunStarted{Tables: 1})
		c.options.OnEvent(event.Result{OK: true})
		return event.Result{OK: true, Rows: 5}, errors.New("the connection broke")
	})
	got := try(t, l, nil, phoenix("up", "--json")...)
	var result event.Result
	got.last(t, &result)
	if strings.Count(got.stdout, `"event":"result"`) != 1 || result.OK || result.Exit != 1 || result.Rows != 5 || result.Command != "up" {
		t.Errorf("got %s", got.stdout)
	}
}

// An error of the server in a command that only reads has a hint, as any other has.
func TestServerErrorsHaveHints(t *testing.T) {
	said := &pgconn.PgError{Severity: "ERROR", Code: "53400", Message: "temporary file size exceeds \"temp_file_limit\""}
	l := library{verify: func(context.Context, *pgxpool.Pool, job) (rekey.Report, error) { return rekey.Report{}, said }}
	got := try(t, l, nil, phoenix("verify")...)
	if got.code != 1 || !strings.HasPrefix(got.stderr, "ERROR:  rekey verify failed: a limit of the server was reached\nDETAIL:  The server reported: temporary file") || !strings.Contains(got.stderr, "HINT:") {
		t.Errorf("got %+v", got)
	}
}
