package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
)

// Options says how a server is to run. The zero value is a fast one that would not survive a crash of
// the machine.
type Options struct {
	Memory   bool              // its files in memory, where the machine has plenty
	Durable  bool              // fsync, synchronous_commit and full_page_writes as PostgreSQL has them by default
	Settings map[string]string // more of postgresql.conf, by name; they win over ours
	User     string            // name or number of the user to run as when we are root; "" is postgres, else nobody
}

// Cluster is a running server, what PostgreSQL calls a database cluster. Its methods may be called by
// several goroutines at once.
type Cluster struct {
	Version string // "15.18"
	Major   int    // 15

	bin, dir string                             // the programs; the directory of data, log and socket
	choose   func(context.Context) (int, error) // a port
	port     int
	options  Options
	owner    account
	log      *os.File

	mu     sync.Mutex
	guard  *guard
	server *process // nil when it does not run
}

// Start makes a data directory and runs a server on it, on a free port of the loopback address and on
// a unix socket. The context bounds the start only. The error holds the end of the server's log.
//
// The server ends, and its directory goes, with Stop or with this program, however that ends.
func Start(ctx context.Context, installation Installation, options Options) (*Cluster, error) {
	c, err := prepare(installation, options)
	if err != nil {
		return nil, err
	}
	err = c.initialise(ctx)
	if err == nil {
		err = c.startOnFreePort(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL %s of %s: %w", c.Version, c.bin, err), c.remove())
	}
	return c, nil
}

// prepare makes the directory, which is the server's user's alone, and the guard over it.
func prepare(installation Installation, options Options) (*Cluster, error) {
	owner, err := serverAccount(options.User)
	if err != nil {
		return nil, err
	}
	place := scratch()
	if options.Memory && os.Getenv("TMPDIR") == "" && memory() != "" {
		place = memory()
	}
	dir, err := os.MkdirTemp(place, "rekey-pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		Version: installation.Version, Major: installation.Major,
		bin: installation.Bin, dir: dir, choose: freePort, options: options, owner: owner,
	}
	if err := c.furnish(); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return c, nil
}

func (c *Cluster) furnish() error {
	// The log is opened before another user may put a link in its place, and stays open.
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	c.log = log
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := c.owner.own(root, "."); err != nil {
		return err
	}
	c.guard, err = newGuard(c.dir, c.owner)
	return err
}

// remove ends whatever runs and removes the directory.
func (c *Cluster) remove() error {
	if c.guard != nil {
		c.guard.close()
		c.guard = nil
	}
	if c.log != nil {
		_ = c.log.Close()
	}
	return os.RemoveAll(c.dir)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) socketDir() string {
	if runtime.GOOS == "windows" {
		return ""
	}
	return c.dir
}

// Port is the server's port on 127.0.0.1; it stays the same over Restart.
func (c *Cluster) Port() int { return c.port }

// URL is the connection string of a database over the loopback address, as superuser.
func (c *Cluster) URL(database string) string {
	link := url.URL{
		Scheme: "postgres", User: url.User("postgres"), Host: "127.0.0.1:" + strconv.Itoa(c.port),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return link.String()
}

// SocketURL is the connection string of a database over the unix socket, as superuser; on Windows it
// is that of URL.
func (c *Cluster) SocketURL(database string) string {
	if c.socketDir() == "" {
		return c.URL(database)
	}
	query := url.Values{"host": {c.socketDir()}, "port": {strconv.Itoa(c.port)}, "user": {"postgres"}}
	link := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}
	return "postgres://" + link.EscapedPath() + "?" + link.RawQuery
}

// logTail is the number of bytes that Log gives at most.
const logTail = 16 << 10

// Log is the end of the server's log, or what is known when it cannot be read.
func (c *Cluster) Log() string {
	info, err := c.log.Stat()
	if err != nil {
		return "(the log is gone: " + err.Error() + ")"
	}
	text, err := io.ReadAll(io.NewSectionReader(c.log, max(0, info.Size()-logTail), logTail))
	if err != nil {
		return "(the log cannot be read: " + err.Error() + ")"
	}
	return string(text)
}
