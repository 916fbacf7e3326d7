package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/visible"
)

// everyCommand returns rekey's root and all of its commands.
func everyCommand() []*cobra.Command {
	root := Root()
	return append([]*cobra.Command{root}, root.Commands()...)
}

func TestHelpFitsTheScreen(t *testing.T) {
	for _, cmd := range everyCommand() {
		if cmd.Example == "" || cmd.Short == "" {
			t.Errorf("%s has no example or no short description", cmd.Name())
		}
		if lines := strings.Count(help(cmd, false), "\n"); lines > helpLines+2 {
			t.Errorf("the help of %s has %d lines", cmd.Name(), lines)
		}
		for _, all := range []bool{false, true} {
			for line := range strings.Lines(help(cmd, all)) {
				if width := len([]rune(strings.TrimRight(line, "\n"))); width > helpWidth {
					t.Errorf("%s: %d columns: %s", cmd.Name(), width, line)
				}
			}
		}
	}
}

func TestFlagsHaveGroupsAndPlaceholders(t *testing.T) {
	forms := map[string]string{"help": ""}
	for _, group := range flagGroups() {
		for _, form := range group.flags {
			if _, duplicate := forms[form.name]; duplicate {
				t.Errorf("--%s has two groups", form.name)
			}
			forms[form.name] = form.value
		}
	}
	for _, cmd := range everyCommand() {
		if cmd.Flags().Lookup("profile") == nil {
			continue
		}
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			value, grouped := forms[flag.Name]
			switch {
			case flag.Hidden:
			case !grouped:
				t.Errorf("--%s of %s has no group", flag.Name, cmd.Name())
			case (value == "") != (flag.NoOptDefVal != ""):
				t.Errorf("--%s of %s has the placeholder %q", flag.Name, cmd.Name(), value)
			case !strings.Contains(help(cmd, true), "--"+flag.Name):
				t.Errorf("rekey %s --help-all has no --%s", cmd.Name(), flag.Name)
			}
		})
	}
}

func TestHelpNamesChoices(t *testing.T) {
	out := try(t, library{}, nil, "up", "--help")
	for _, want := range []string{"--on-error stop|continue", "--pace gentle|normal|full", "--time-source column|now", "\nPause when:\n", "More flags: rekey up --help-all"} {
		if !strings.Contains(out.stdout, want) {
			t.Errorf("rekey up --help has no %q:\n%s", want, out.stdout)
		}
	}
	if strings.Contains(out.stdout, "--random") || strings.Contains(out.stdout, "max-lock") {
		t.Errorf("the short help is long:\n%s", out.stdout)
	}
	if all := try(t, library{}, nil, "up", "--help-all"); all.code != 0 || !strings.Contains(all.stdout, "--random TABLE,...") {
		t.Errorf("exit code %d:\n%s", all.code, all.stdout)
	}
}

func TestAcceptsFormerFlags(t *testing.T) {
	var got job
	l := library{up: func(_ context.Context, _ *pgxpool.Pool, j job) (event.Result, error) {
		got = j
		return event.Result{}, nil
	}}
	file := filepath.Join(t.TempDir(), "rekey.yaml")
	if err := os.WriteFile(file, []byte("lock-patience: 3m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := try(t, l, nil, phoenix("up", "--max-lock", "20ms", "--config", file)...); out.code != 0 {
		t.Fatalf("exit code %d: %s", out.code, out.stderr)
	}
	if got.options.Locks.Timeout != 20*time.Millisecond || got.options.Locks.RetryTimeout != 3*time.Minute {
		t.Errorf("got %+v", got.options.Locks)
	}
}

func TestQuotesForShell(t *testing.T) {
	for word, want := range map[string]string{"public": "public", "Auth-Kit": "Auth-Kit", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := visible.Word(word); got != want {
			t.Errorf("visible.Word(%q) is %s, want %s", word, got, want)
		}
	}
}
