// Command bench compares rekey with the offline rewrite, with the usual batched UPDATE, and with no migration at all:
// on one server, with the same data each time, under the same traffic.
//
//	go run ./bench --help
//
// The tables go to standard output, progress to standard error. Compare only figures of the same run, on a machine that
// does nothing else.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if order := os.Getenv(childVariable); order != "" {
		os.Exit(child(order, os.Stdout)) //nolint:forbidigo // main ends the program and gives it its streams
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // the same
}

// The exit codes of the program.
const (
	exitFailed = 1
	exitUsage  = 2
)

func run(args []string, out, progress io.Writer) int {
	options, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(progress, "bench:", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	document, err := measure(ctx, options, func(line string) { fmt.Fprintln(progress, line) })
	document.write(out)
	if options.json != "" {
		err = errors.Join(err, save(options.json, document))
	}
	if err != nil {
		fmt.Fprintln(progress, "bench:", err)
		return exitFailed
	}
	return 0
}

// save writes the measurements, even if some of them failed.
func save(name string, document Document) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o600) //nolint:gosec // the user's own file
}
