package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// System returns the Process that the operating system started. From now on it receives the signals; SIGPIPE is
// ignored, so that a run continues when the reader of its output is gone.
func System() Process {
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup ignores SIGHUP; a shell without job control ignores SIGINT in the background
			signal.Notify(signals, s)
		}
	}
	signal.Ignore(syscall.SIGPIPE)
	return Process{
		Args: os.Args[1:], Stdin: os.Stdin, Getenv: os.Getenv,
		Stdout: os.Stdout, Stderr: os.Stderr, //nolint:forbidigo // a program gives them to its command here
		Signals: signals, Release: func() { signal.Stop(signals) },
	}
}
