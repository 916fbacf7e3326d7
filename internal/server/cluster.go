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

// Options are the options of a server. The zero value is a fast server that would not survive a crash of the machine.
type Options struct {
	Memory   bool              // keep the files in memory, if the machine has plenty
	Durable  bool              // fsync, synchronous_commit and full_page_writes have PostgreSQL's defaults
	Settings map[string]string // additional settings of postgresql.conf, by name; they override the package's own
	User     string            // name or number of the user that the server runs as if this program runs as root; default: postgres, or nobody
}

// Cluster is a running server: what PostgreSQL calls a database cluster. Its methods may be called concurrently.
type Cluster struct {
	Version string // "15.18"
	Major   int    // 15

	bin, dir string                             // the directory of the programs; the directory of data, log and socket
	choose   func(context.Context) (int, error) // returns a free port
	port     int
	options  Options
	owner    account
	log      *os.File

	mu     sync.Mutex
	guard  *guard
	server *process // nil while no server runs
}

// Start creates a data directory and runs a server on it, on a free port of the loopback address and on a Unix socket.
// The context limits the start only. The error contains the end of the server's log.
//
// The server ends and its directory is removed by Stop, or when this program ends in any way.
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

// prepare creates the server's directory, owned by the server's user, and the guard that removes it.
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
	if err := c.openLog(); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return c, nil
}

func (c *Cluster) openLog() error {
	// The log is opened before another user can put a link in its place, and stays open.
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
	if err := c.owner.chown(root, "."); err != nil {
		return err
	}
	c.guard, err = newGuard(c.dir, c.owner)
	return err
}

// remove ends the server's processes and removes the directory.
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

// Port returns the server's port on 127.0.0.1. Restart does not change it.
func (c *Cluster) Port() int { return c.port }

// URL returns the superuser's connection string for a database over the loopback address.
func (c *Cluster) URL(database string) string {
	link := url.URL{
		Scheme: "postgres", User: url.User("postgres"), Host: "127.0.0.1:" + strconv.Itoa(c.port),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return link.String()
}

// SocketURL returns the superuser's connection string for a database over the Unix socket. On Windows it returns URL.
func (c *Cluster) SocketURL(database string) string {
	if c.socketDir() == "" {
		return c.URL(database)
	}
	query := url.Values{"host": {c.socketDir()}, "port": {strconv.Itoa(c.port)}, "user": {"postgres"}}
	link := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}
	return "postgres://" + link.EscapedPath() + "?" + link.RawQuery
}

// logTail is the maximum number of bytes that Log returns.
const logTail = 16 << 10

// Log returns the end of the server's log, or the reason why it cannot be read.
func (c *Cluster) Log() string {
	info, err := c.log.Stat()
	if err != nil {
		return "(the log is missing: " + err.Error() + ")"
	}
	text, err := io.ReadAll(io.NewSectionReader(c.log, max(0, info.Size()-logTail), logTail))
	if err != nil {
		return "(the log cannot be read: " + err.Error() + ")"
	}
	return string(text)
}
