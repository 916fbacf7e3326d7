// Command rekey gives the tables of a live PostgreSQL database UUIDv7 keys, online, and takes them
// back. See `rekey --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/heap"
)

func main() { os.Exit(run()) }

func run() int {
	heap.Tune()
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup does, or a shell without job control for what is in its background
			signal.Notify(signals, s)
		}
	}
	signal.Ignore(syscall.SIGPIPE) // a run goes on when the reader of what it tells has gone away
	return cli.Run(context.Background(), cli.Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Signals: signals, Release: func() { signal.Stop(signals) },
	})
}
