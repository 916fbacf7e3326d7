// Package cli is the command line of rekey: a layer over the packages rekey and phoenixkit, with one file per command.
// Data goes to standard output; progress and problems go to standard error.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// Process is the environment of a program.
type Process struct {
	Args           []string // without the name of the program
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Signals        <-chan os.Signal // SIGINT, SIGTERM and SIGHUP; may be nil
	Release        func()           // stops the delivery of signals; may be nil
}

// Run runs one command and returns the exit code. See exit for the codes.
func Run(ctx context.Context, p Process) int {
	return run(ctx, p, live())
}

func run(ctx context.Context, p Process, l library) int {
	a := newApp(p, l)
	return a.finish(a.explained(a.execute(ctx)))
}

func newApp(p Process, l library) *app {
	out := &output{Writer: p.Stdout}
	a := &app{Process: p, library: l, out: p.Stdout, err: p.Stderr, exact: out}
	a.Stdout, a.Stderr = visible.Writer(out), visible.Writer(p.Stderr)
	return a
}

// finish reports the error and returns the exit code.
func (a *app) finish(err error) int {
	if lost := a.exact.err; lost == nil || !errors.Is(err, lost) {
		a.report(err)
	}
	return a.exit(a.outputError(err, a.exact.err))
}

// app is one call of the program.
type app struct {
	Process
	library library
	out     io.Writer    // Stdout unescaped; it may be a terminal
	err     io.Writer    // Stderr unescaped
	exact   *output      // Stdout unescaped, for JSON and scripts
	signal  atomic.Value // the first os.Signal
	hints   hints        // completes the commands of hints; empty before the call connects
	only    string       // the only command of another program, which writes events; "" is rekey
}

func (a *app) execute(ctx context.Context) error {
	root := a.root()
	if err := knownCommand(root, a.Args); err != nil {
		return err
	}
	root.SetArgs(a.Args)
	return root.ExecuteContext(ctx)
}

// explained returns the problem of an error of the server or the network while a command reads. Runs return problems
// themselves.
func (a *app) explained(err error) error {
	var one *problem.Problem
	if err == nil || silent(err) || errors.As(err, &one) {
		return err
	}
	return fault.Explain("rekey "+a.command(), err)
}

// reportedError wraps an error that a document or an event contains.
type reportedError struct{ error }

func (r reportedError) Unwrap() error { return r.error }

// report prints an error that was not reported yet.
func (a *app) report(err error) {
	var shown reportedError
	switch {
	case err == nil, errors.As(err, &shown), silent(err):
	case a.wantsJSON():
		a.reportJSON(err)
	default:
		a.reportText(err)
	}
}

// wantsJSON looks for --json in the arguments, since the flags may be invalid.
func (a *app) wantsJSON() bool {
	return slices.Contains(a.Args, "--json") || slices.Contains(a.Args, "--json=true")
}
