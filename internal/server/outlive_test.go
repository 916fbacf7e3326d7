//go:build unix

package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestMain lets this binary play the programs that start a server and end.
func TestMain(m *testing.M) {
	if role := os.Getenv("REKEY_TEST_ROLE"); role != "" {
		if err := play(role); err != nil {
			fmt.Println("failed:", err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	servertest.Main(m)
}

func play(role string) error {
	ctx := context.Background()
	major, err := strconv.Atoi(os.Getenv("REKEY_TEST_MAJOR"))
	if err != nil {
		return err
	}
	installation, err := server.Find(ctx, major)
	if err != nil {
		return err
	}
	c, err := server.Start(ctx, installation, server.Options{})
	if err != nil {
		return err
	}
	fmt.Println("started", c.Dir(), os.Geteuid())
	_, _ = fmt.Scanln() // until the test has found the server
	switch role {
	case "sleep":
		time.Sleep(time.Hour)
	case "panic":
		panic("as a program may")
	}
	return nil // without Stop
}

// program starts this binary in a role, with the server's directory in dir.
func program(t *testing.T, role string, major int, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "REKEY_TEST_ROLE="+role, "REKEY_TEST_MAJOR="+strconv.Itoa(major))
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(output)
}

// started waits until the program has started its server, and returns the server's directory and processes.
func started(t *testing.T, output *bufio.Scanner) (dir string, processes []int) {
	t.Helper()
	if !output.Scan() || !strings.HasPrefix(output.Text(), "started ") {
		t.Fatalf("the program printed %q", output.Text())
	}
	dir = strings.Fields(output.Text())[1]
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	processes = append(children(t, postmaster), postmaster)
	if len(processes) < 4 {
		t.Fatalf("the server has only the processes %d", processes)
	}
	return dir, processes
}

func children(t *testing.T, parent int) []int {
	t.Helper()
	var found []int
	for _, fields := range processes(t) {
		if fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(fields[0])
			found = append(found, pid)
		}
	}
	return found
}

// processes lists number, parent, state, user and command of all running processes, without zombies.
func processes(t *testing.T) [][]string {
	t.Helper()
	output, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,stat=,uid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) > 4 && !strings.HasPrefix(fields[2], "Z") {
			all = append(all, fields)
		}
	}
	return all
}

// gone waits until the directory is empty and neither these processes nor any that names the directory run.
func gone(t *testing.T, dir string, pids []int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute) // the disk may stall
	for {
		var left []string
		for _, fields := range processes(t) {
			pid, _ := strconv.Atoi(fields[0])
			if line := strings.Join(fields, " "); slices.Contains(pids, pid) || strings.Contains(line, dir) {
				left = append(left, line)
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if len(left) == 0 && len(entries) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still running:\n%s\nstill in the directory: %v", strings.Join(left, "\n"), entries)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestServerDoesNotOutliveProgram(t *testing.T) {
	each(t, func(t *testing.T, installation server.Installation) {
		roles := []string{"sleep"}
		if majors := servertest.Versions(t); installation.Major == majors[len(majors)-1] {
			roles = append(roles, "panic", "return") // the same to the watchdog, so once is enough
		}
		for _, role := range roles {
			t.Run(role, func(t *testing.T) {
				dir := shortDir(t)
				cmd, output := program(t, role, installation.Major, dir)
				input, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				_, pids := started(t, output)
				if err := input.Close(); err != nil {
					t.Fatal(err)
				}
				if role == "sleep" {
					if err := cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
				}
				_ = cmd.Wait()
				gone(t, dir, pids)
			})
		}
	})
}

// While initdb runs, the watchdog does not know a server process yet.
func TestInitdbDoesNotOutliveProgram(t *testing.T) {
	each(t, func(t *testing.T, installation server.Installation) {
		dir := shortDir(t)
		cmd, _ := program(t, "sleep", installation.Major, dir)
		cmd.Env = append(cmd.Env, "REKEY_PG_BIN="+installation.Bin, "REKEY_CACHE_DIR="+t.TempDir())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for {
			found, err := filepath.Glob(filepath.Join(dir, "*", "data", "base"))
			if err != nil || t.Context().Err() != nil {
				t.Fatal("initdb creates nothing", err)
			}
			if len(found) > 0 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		gone(t, dir, nil)
	})
}

// As root, the server runs as another user, who owns the data and no other file. Otherwise it runs as the test's user.
func TestUserOfServer(t *testing.T) {
	major := servertest.Versions(t)[0]
	dir := shortDir(t)
	cmd, output := program(t, "sleep", major, dir)
	want := os.Geteuid()
	if os.Geteuid() == 0 {
		t.Run("from an unprivileged user", func(t *testing.T) { unprivileged(t, major) })
		want = other(t)
	}
	runsAs(t, cmd, output, want)
	gone(t, dir, nil)
}

// other returns the number of the user that servers run as if this program runs as root.
func other(t *testing.T) int {
	t.Helper()
	found, err := user.Lookup("postgres")
	if err != nil {
		found, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		t.Fatal(err)
	}
	return uid
}

func runsAs(t *testing.T, cmd *exec.Cmd, output *bufio.Scanner, want int) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	dir, pids := started(t, output)
	info, err := os.Stat(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != want || info.Mode().Perm() != 0o700 {
		t.Errorf("the data belongs to user %d with mode %v, want %d", owner, info.Mode(), want)
	}
	for _, fields := range processes(t) {
		pid, _ := strconv.Atoi(fields[0])
		if slices.Contains(pids, pid) && fields[3] != strconv.Itoa(want) {
			t.Errorf("runs as %s, want %d: %v", fields[3], want, fields)
		}
	}
}

// unprivileged runs the program as another user with its own cache.
func unprivileged(t *testing.T, major int) {
	uid := other(t)
	dir, place := shortDir(t), shortDir(t)
	cmd, output := program(t, "sleep", major, dir)
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = filepath.Join(place, "program")
	if err := os.WriteFile(cmd.Path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	installation, err := server.Find(t.Context(), major)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "REKEY_CACHE_DIR="+filepath.Join(place, "cache"), "REKEY_PG_BIN="+installation.Bin)
	cmd.Dir = place
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	runsAs(t, cmd, output, uid)
	gone(t, dir, nil)
	kept, err := filepath.Glob(filepath.Join(place, "cache", "*", "PG_VERSION"))
	if err != nil || len(kept) != 1 {
		t.Errorf("in the cache: %v %v", kept, err)
	}
}
