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

// guard ends processes when this program ends, and removes their directory.
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
	// The watchdog has its own process group, so that the terminal's Ctrl-C does not end the server before the
	// program.
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

// watch makes the watchdog shut down this server process.
func (g *guard) watch(process *os.Process) error {
	_, err := fmt.Fprintln(g.pipe, process.Pid)
	return err
}

// forget makes the watchdog ignore the server process, which has ended and whose number may be reused.
func (g *guard) forget() { _, _ = fmt.Fprintln(g.pipe) }

// close ends the watchdog and all processes in its group, and waits for the watchdog.
func (g *guard) close() {
	_ = g.pipe.Close()
	_ = g.cmd.Wait() // the watchdog ends by killing its own group
}

// shutDown requests a fast shutdown: the server ends its sessions and writes a checkpoint.
func shutDown(postmaster *os.Process, _ *Cluster) error { return postmaster.Signal(syscall.SIGINT) }

// abort requests an immediate shutdown. The next start performs crash recovery.
func abort(postmaster *os.Process, _ *Cluster) error { return postmaster.Signal(syscall.SIGQUIT) }
