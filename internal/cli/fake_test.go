package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
)

// outcome is the result of a call of the program.
type outcome struct {
	code           int
	stdout, stderr string
}

// try runs the program with a library of the test. Functions that the test does not replace fail.
func try(t *testing.T, l library, signals <-chan os.Signal, words ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), Process{
		Args: words, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(string) string { return "" }, Signals: signals,
	}, withoutServer(l))
	return outcome{code, stdout.String(), stderr.String()}
}

// withoutServer returns a library that connects to no server, unless it has a function for that.
func withoutServer(l library) library {
	if l.connect == nil {
		l.connect = func(context.Context, connection) (*pgxpool.Pool, error) { return nil, nil } //nolint:nilnil // a fake
	}
	return l
}

// last decodes the last line of standard output.
func (o outcome) last(t *testing.T, value any) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), value); err != nil {
		t.Fatalf("%v in %q", err, o.stdout)
	}
}

func upWith(f call) library { return library{up: f} }

// phoenix returns the arguments of a command on the profile.
func phoenix(command string, more ...string) []string {
	return append([]string{command, "--profile", "phoenixkit"}, more...)
}

func planOf(doc rekey.Plan) library {
	return library{plan: func(context.Context, *pgxpool.Pool, job) (rekey.Plan, error) { return doc, nil }}
}
