package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/demo"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// call runs the program with these arguments.
func call(t *testing.T, signals <-chan os.Signal, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(cli.Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		Getenv: func(string) string { return "" }, Signals: signals,
	})
	return code, out.String(), err.String()
}

// ending is the last line of --json.
type ending struct {
	Event    string       `json:"event"`
	OK       bool         `json:"ok"`
	Problems problem.List `json:"problems"`
	Exit     int          `json:"exit"`
}

func last(t *testing.T, stdout string) ending {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var end ending
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	return end
}

func TestHelpFitsTheTerminal(t *testing.T) {
	code, text, stderr := call(t, nil, "--help")
	if code != 0 || stderr != "" || !strings.Contains(text, "--pg-version version") || !strings.Contains(text, "Examples:\n") {
		t.Errorf("exit %d: %s%s", code, text, stderr)
	}
	for line := range strings.Lines(text) {
		if width := len([]rune(strings.TrimRight(line, "\n"))); width > 80 {
			t.Errorf("%d columns: %s", width, line)
		}
	}
}

func TestRefusesWrongFlags(t *testing.T) {
	for args, want := range map[string]struct {
		code  string
		texts []string
	}{
		"--rows 0":                    {"flag_value", []string{"--rows cannot be 0", "from 1 to 1000000000"}},
		"--rows 1000000001":           {"flag_value", []string{"--rows cannot be 1000000001"}},
		"--users -1":                  {"flag_value", []string{"--users cannot be -1"}},
		"--rate 100001":               {"flag_value", []string{"--rate cannot be 100001", "from 1 to 100000"}},
		"--pg-version 12":             {"flag_value", []string{"--pg-version cannot be 12", "from 13 to 18"}},
		"--max-wait -1s":              {"flag_value", []string{"--max-wait cannot be -1s", "500ms"}},
		"--max-wait 5":                {"flag_value", []string{"Write a duration with its unit"}},
		"--rows 0 --users 0 --rate 0": {"flag_value", []string{"--rows", "--users", "--rate"}},
		"--row 5":                     {"unknown_flag", []string{"rekey-demo has no flag --row", "Did you mean: --rows"}},
		"--rows":                      {"flag_without_value", []string{"--rows requires a value"}},
		"all":                         {"unexpected_argument", []string{"rekey-demo accepts flags, but no arguments", "rekey-demo --help"}},
	} {
		code, stdout, stderr := call(t, nil, strings.Fields(args)...)
		if code != 2 || stdout != "" {
			t.Errorf("%s: exit %d, %s", args, code, stdout)
		}
		for _, text := range want.texts {
			if !strings.Contains(stderr, text) {
				t.Errorf("%s: no %q in %s", args, text, stderr)
			}
		}
		code, stdout, stderr = call(t, nil, append([]string{"--json"}, strings.Fields(args)...)...)
		end := last(t, stdout)
		if code != 2 || end.Exit != 2 || end.Event != "result" || end.OK || len(end.Problems) == 0 || end.Problems[0].Code != want.code {
			t.Errorf("%s: exit %d, %s%s", args, code, stdout, stderr)
		}
	}
}

// No message repeats an argument that may contain a password.
func TestRepeatsNoPassword(t *testing.T) {
	const secret = "postgres://app:hunter2@127.0.0.1:1/app"
	calls := [][]string{{secret}, {"help", secret}, {"--" + secret}, {"-" + secret}, {"--hunter2=" + secret}, {"__complete", secret}}
	command(&cli.Program{}).Flags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() != "bool" {
			calls = append(calls, []string{"--" + f.Name + "=" + secret})
		}
	})
	for _, args := range calls {
		for _, more := range []string{"", "--json"} {
			if more != "" {
				args = append(args, more)
			}
			if code, stdout, stderr := call(t, nil, args...); strings.Contains(stdout+stderr, "hunter2") {
				t.Errorf("%q: exit %d, %s%s", args, code, stdout, stderr)
			}
		}
	}
}

func TestRunsTheDemo(t *testing.T) {
	major := servertest.Versions(t)[0]
	code, stdout, stderr := call(t, nil, "--rows", "300", "--users", "50", "--max-wait", "1h", "--json", "--pg-version", strconv.Itoa(major))
	if end := last(t, stdout); code != 0 || end.Exit != 0 || end.Event != "result" || !end.OK || stderr != "" {
		t.Errorf("exit %d, %+v, %s", code, end, stderr)
	}
}

func TestSignalEndsTheDemo(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	code, stdout, stderr := call(t, signals, "--json", "--rows", "300", "--users", "50")
	end := last(t, stdout)
	if code != 130 || end.Exit != 130 || len(end.Problems) != 1 || end.Problems[0].Code != "interrupted" || stderr != "" {
		t.Errorf("exit %d, %+v, %s", code, end, stderr)
	}
}

func TestDefaultsAreShown(t *testing.T) {
	set := command(&cli.Program{}).Flags()
	for flag, want := range map[string]string{"rows": "200000", "users": "20000", "rate": "200", "max-wait": "1s"} {
		if got := set.Lookup(flag).DefValue; got != want {
			t.Errorf("--%s is %s by default, want %s: %+v", flag, got, want, demo.Defaults())
		}
	}
}
