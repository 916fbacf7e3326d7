//go:build unix

package servertest

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
)

// TestFailsOnPurpose fails when TestFailedTestKeepsDatabase runs it in another process.
func TestFailsOnPurpose(t *testing.T) {
	if os.Getenv("REKEY_TEST_FAIL") == "" {
		return
	}
	installation, err := server.FindAny(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := Cluster(t, installation.Major)
	_ = Database(t, c)
	t.Error("on purpose")
}

// failing prepares a run of the failing test, without a terminal.
func failing(t *testing.T, keep string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^TestFailsOnPurpose$")
	cmd.Env = append(os.Environ(), "REKEY_TEST_FAIL=1", "REKEY_KEEP="+keep)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

func TestFailedTestPrintsConnection(t *testing.T) {
	output, err := failing(t, "").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	for _, part := range []string{`psql "postgres://`, `REKEY_KEEP=1 go test -v -timeout 0 -run '^TestFailsOnPurpose$'`} {
		if !strings.Contains(string(output), part) {
			t.Errorf("no %s in\n%s", part, output)
		}
	}
}

func TestFailedTestKeepsDatabase(t *testing.T) {
	cmd := failing(t, "1")
	output, err := cmd.StderrPipe() // where it prints what it waits for
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	url := ""
	for lines := bufio.NewScanner(output); url == "" && lines.Scan(); {
		if found := regexp.MustCompile(`psql "(.*)"`).FindStringSubmatch(lines.Text()); found != nil {
			url = found[1]
		}
	}
	session, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("the kept database %q: %v", url, err)
	}
	defer session.Close(t.Context())
	if !strings.Contains(session.Config().Database, "testfailsonpurpose") {
		t.Errorf("the kept database is %s", url)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	if again, err := pgx.Connect(t.Context(), url); err == nil {
		_ = again.Close(t.Context())
		t.Error("the server outlived its process")
	}
}
