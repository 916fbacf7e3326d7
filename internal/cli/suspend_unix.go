//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopLimit is the longest time in which a process that sent itself SIGSTOP stops.
const stopLimit = time.Second

// notifySuspend sends to the channel when Ctrl-Z asks the process to stop, until the returned function is called.
func notifySuspend(to chan os.Signal) func() {
	signal.Notify(to, syscall.SIGTSTP)
	return func() { signal.Stop(to) }
}

// suspend does nothing where no shell could continue the process.
func (f *frames) suspend() {
	if !hasJobControl() {
		return
	}
	f.reset()
	stopProcess(f.out)
	f.enter()
}

// hasJobControl reports whether a shell with job control has started the process. Without one, such as under ssh -t or docker run
// -t, the process group is the session leader's, and the default action of SIGTSTP stops no process of such an orphaned group.
func hasJobControl() bool {
	session, err := unix.Getsid(0)
	return err == nil && session != unix.Getpgrp()
}

// stopProcess stops the process and returns when it continues in the foreground of the terminal. In the background it stops again. It
// sends SIGSTOP, since os/signal does not restore the default action of SIGTSTP.
func stopProcess(terminal *os.File) {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	for {
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			return
		}
		select { // kill may return before the process stops
		case <-continued:
		case <-time.After(stopLimit): // the system does not stop it
		}
		if inForeground(terminal) {
			return
		}
	}
}

// inForeground reports whether the process may draw on the terminal. It may if that is not its controlling terminal.
func inForeground(terminal *os.File) bool {
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}
