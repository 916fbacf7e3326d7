// Command bench measures rekey beside what it is measured by: the offline rewrite, the usual batched
// UPDATE, and no migration at all; on one server, with the same data each time, under the same traffic.
//
//	go run ./bench --help
//
// The tables go to standard output, what happens meanwhile to standard error. The figures mean something
// only beside the others of the same run, on a machine that does nothing else.
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

// The codes that the program ends with.
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

// save writes what was measured, also where a part of it failed.
func save(name string, document Document) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o600) //nolint:gosec // the user's own file
}
