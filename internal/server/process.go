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

// stopTimeout is how long end waits for a fast shutdown before it requests an immediate one, and then before it kills
// the server. A server that shuts down immediately kills its own sessions after 5 seconds.
const stopTimeout = 10 * time.Second

// ErrStopped is returned by methods of a cluster that Stop has ended.
var ErrStopped = errors.New("the server has been stopped")

// process is a running postmaster.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Stop ends the sessions and the server and removes its directory. If the context ends first, it kills the server.
// Further calls do nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guard == nil {
		return nil
	}
	return errors.Join(c.end(ctx, shutDown), c.remove())
}

// Kill ends the server without a checkpoint: PostgreSQL's immediate shutdown. The next start performs crash recovery.
// Data and port are kept for Restart.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end(context.Background(), abort)
}

// Restart starts the server again with the same data and port. It first stops a running server.
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

// end sends the request, then an immediate shutdown, then a kill, until the server ends.
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
	case <-time.After(stopTimeout):
	}
	_ = abort(ended.cmd.Process, c)
	select {
	case <-ended.done:
	case <-time.After(stopTimeout):
		_ = ended.cmd.Process.Kill()
		<-ended.done
	}
	return ctx.Err()
}

// startOnFreePort starts the server on a free port. If another program takes the port before the start, it tries
// another one.
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

// run starts a server process and waits until it accepts connections.
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
	return errors.Join(fmt.Errorf("%w; the end of its log:\n%s", err, log), c.end(context.Background(), abort))
}

// ready waits until the server's own postmaster.pid reports that it accepts connections.
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
			return errors.New("the server ended while it started")
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
