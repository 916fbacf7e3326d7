//go:build unix

package server

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

//go:embed watchdog.sh
var watchdog string

// guard sees to it that processes end with this program, and that their directory goes.
type guard struct {
	cmd  *exec.Cmd
	pipe *os.File // the watchdog reads the other end; closing it ends everything
}

func newGuard(dir string, owner account) (*guard, error) {
	reading, writing, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reading.Close()
	cmd := exec.Command("/bin/sh", "-c", watchdog, "rekey-watchdog", dir)
	cmd.Dir = "/"
	cmd.Stdin = reading
	owner.apply(cmd)
	// A group of its own keeps the terminal's Ctrl-C away from the server: the program has to end first.
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the watchdog: %w", err), writing.Close())
	}
	return &guard{cmd: cmd, pipe: writing}, nil
}

// start starts a process in the watchdog's group.
func (g *guard) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pgid = true, g.cmd.Process.Pid
	return cmd.Start()
}

// watch tells the watchdog which server process is to be ended gently.
func (g *guard) watch(process *os.Process) error {
	_, err := fmt.Fprintln(g.pipe, process.Pid)
	return err
}

// forget tells the watchdog that the server process has ended, so that its number may be reused.
func (g *guard) forget() { _, _ = fmt.Fprintln(g.pipe) }

// close ends the watchdog, and with it whatever still runs. It waits for it.
func (g *guard) close() {
	_ = g.pipe.Close()
	_ = g.cmd.Wait() // the watchdog ends by killing its own group
}

// shutDown asks the server for a fast shutdown: sessions are ended, a checkpoint is written.
func shutDown(postmaster *os.Process, _ *Cluster) error { return postmaster.Signal(syscall.SIGINT) }

// abort asks the server for an immediate shutdown, after which it starts with crash recovery.
func abort(postmaster *os.Process, _ *Cluster) error { return postmaster.Signal(syscall.SIGQUIT) }
