// Package scratch runs a throw-away PostgreSQL server from programs that are installed on this machine. It downloads nothing. The server
// listens on a Unix socket in a directory that only its own user may enter, so that no other user of the machine reaches it.
package scratch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Role is the role, without superuser, that owns all objects on the server.
const Role = "rehearsal"

// Installation is a directory with initdb, pg_ctl and postgres.
type Installation struct {
	Bin   string
	Major int
}

// ErrNoServer is the error if no installation is new enough.
var ErrNoServer = errors.New("no installation of PostgreSQL was found")

// Find returns the oldest installation of at least the major version. It searches REKEY_PG_BIN, PATH and the usual directories.
func Find(ctx context.Context, major int, getenv func(string) string) (Installation, error) {
	dirs := append(filepath.SplitList(getenv("REKEY_PG_BIN")), filepath.SplitList(getenv("PATH"))...)
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		found, _ := filepath.Glob(pattern) // the patterns are valid
		dirs = append(dirs, found...)
	}
	var best Installation
	for _, dir := range dirs {
		version, err := MajorOf(ctx, filepath.Join(dir, "postgres"))
		if err != nil || version < major || best.Major != 0 && version >= best.Major || !has(dir, "initdb", "pg_ctl") {
			continue
		}
		best = Installation{Bin: dir, Major: version}
	}
	if best.Major == 0 {
		return best, ErrNoServer
	}
	return best, nil
}

func has(dir string, programs ...string) bool {
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// MajorOf returns the major version that a program of PostgreSQL reports.
func MajorOf(ctx context.Context, program string) (int, error) {
	output, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return 0, err
	}
	found := versionPattern.FindSubmatch(output)
	if found == nil {
		return 0, fmt.Errorf("%s reports no version", program)
	}
	return strconv.Atoi(string(found[1]))
}

// Server is a running server.
type Server struct {
	dir string
	bin string
	own account
}

// Start makes a data directory and runs a server on it, with [Role]. The caller must call Stop.
func Start(ctx context.Context, from Installation) (*Server, error) {
	own, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rekey-rehearsal-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: from.Bin, own: own}
	// The programs are not killed when the context ends: a server that is half started could not be stopped.
	const most = time.Minute
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	if err := errors.Join(s.start(bounded), ctx.Err()); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	if err := s.own.chown(s.dir); err != nil {
		return err
	}
	if err := s.run(ctx, "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--pgdata="+s.data()); err != nil {
		return err
	}
	options := "-c listen_addresses='' -c unix_socket_permissions=0700 -c max_connections=60 -c unix_socket_directories='" + s.dir + "'"
	return s.run(ctx, "pg_ctl", "--pgdata="+s.data(), "--log="+filepath.Join(s.dir, "log"), "--options="+options, "--wait", "start")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Directory returns the directory of the server, for the free space of its file system.
func (s *Server) Directory() string { return s.dir }

// URL returns the connection string of a role and a database.
func (s *Server) URL(role, database string) string {
	return fmt.Sprintf("host='%s' port=5432 user='%s' dbname='%s' sslmode=disable", s.dir, role, database)
}

// Stop ends the server and removes its directory.
func (s *Server) Stop() error {
	const wait = 30 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err == nil {
		if err := s.run(ctx, "pg_ctl", "--pgdata="+s.data(), "--mode=immediate", "--wait", "stop"); err != nil {
			return err // the directory stays: the server may still use it
		}
	}
	return os.RemoveAll(s.dir)
}

// run runs a program of the installation without the settings of the user's own PostgreSQL, and in a process group of its own, so that
// Ctrl-C reaches only rekey.
func (s *Server) run(ctx context.Context, name string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), arguments...) //nolint:gosec // a program of the installation that was found
	cmd.Dir = s.dir
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PG") && !strings.HasPrefix(entry, "LC_") && !strings.HasPrefix(entry, "LANG") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	s.own.apply(cmd)
	output, err := os.CreateTemp(s.dir, "output") // a pipe would stay open in the server that pg_ctl starts
	if err != nil {
		return err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(text)))
	}
	return nil
}
