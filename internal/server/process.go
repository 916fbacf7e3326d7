package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long a server may take for a shutdown before it is asked for an immediate one, and
// for that before it is killed. For an immediate one it kills its own sessions after 5 seconds.
const patience = 10 * time.Second

// ErrStopped is answered when a server is gone for good.
var ErrStopped = errors.New("the server has been stopped")

// process is a running postmaster.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Stop ends the server and removes its directory. Sessions are ended; when the context ends first,
// the server is killed. Further calls do nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guard == nil {
		return nil
	}
	return errors.Join(c.end(ctx, shutDown), c.remove())
}

// Kill ends the server at once and without a checkpoint, so that it starts again with crash recovery:
// PostgreSQL's immediate shutdown. Data and port stay for Restart.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end(context.Background(), abort)
}

// Restart starts the server again, with the same data on the same port; one that runs is stopped
// before.
func (c *Cluster) Restart(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guard == nil {
		return ErrStopped
	}
	if err := c.end(ctx, shutDown); err != nil {
		return err
	}
	return c.run(ctx)
}

// end ends the server with the request, and harder when it does not heed it.
func (c *Cluster) end(ctx context.Context, request func(*os.Process, *Cluster) error) error {
	if c.server == nil {
		return nil
	}
	ended := c.server
	c.server = nil
	if err := request(ended.cmd.Process, c); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(err, ended.cmd.Process.Kill())
	}
	select {
	case <-ended.done:
		return nil
	case <-ctx.Done():
	case <-time.After(patience):
	}
	_ = abort(ended.cmd.Process, c)
	select {
	case <-ended.done:
	case <-time.After(patience):
		_ = ended.cmd.Process.Kill()
		<-ended.done
	}
	return ctx.Err()
}

// startOnFreePort starts the server on a port that nobody has. Between the choice and the start
// another program may take it: then another one is tried.
func (c *Cluster) startOnFreePort(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		var err error
		if c.port, err = c.choose(ctx); err != nil {
			return err
		}
		if err := c.configure(); err != nil {
			return err
		}
		err = c.run(ctx)
		if err == nil || attempt == 10 || !strings.Contains(err.Error(), "could not bind") {
			return err
		}
	}
}

// run starts a server process and waits until it takes connections.
func (c *Cluster) run(ctx context.Context) error {
	before, err := c.log.Stat()
	if err != nil {
		return err
	}
	cmd := c.command("postgres", "-D", c.data())
	cmd.Stdout, cmd.Stderr = c.log, c.log
	if err := c.guard.start(cmd); err != nil {
		return err
	}
	started := &process{cmd: cmd, done: make(chan struct{})}
	c.server = started
	watching := c.guard
	err = watching.watch(cmd.Process)
	go func() {
		_ = cmd.Wait()
		watching.forget()
		close(started.done)
	}()
	if err == nil {
		err = c.ready(ctx, started)
	}
	if err == nil {
		return nil
	}
	log := c.Log()
	if grown, statErr := c.log.Stat(); statErr == nil {
		log = log[max(0, int64(len(log))-(grown.Size()-before.Size())):]
	}
	return errors.Join(fmt.Errorf("%w, its log ends with:\n%s", err, log), c.end(context.Background(), abort))
}

// ready waits until the server says in postmaster.pid, which is its own file and no other server's,
// that it takes connections.
// https://github.com/postgres/postgres/blob/master/src/include/utils/pidfile.h
func (c *Cluster) ready(ctx context.Context, started *process) error {
	const pidLine, statusLine = 0, 7
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-started.done:
			return errors.New("the server ended at once")
		case <-tick.C:
		}
		text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
		if err != nil {
			continue
		}
		lines := strings.Split(string(text), "\n")
		if len(lines) > statusLine && lines[pidLine] == strconv.Itoa(started.cmd.Process.Pid) &&
			strings.TrimSpace(lines[statusLine]) == "ready" {
			return nil
		}
	}
}
