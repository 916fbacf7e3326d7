package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/problem"
)

// Program is one call of another program of this module that has a single command. It reads flags, reports
// problems, handles signals and exits as rekey does.
type Program struct{ app *app }

// RunProgram runs the command that the function returns and returns the exit code. With --json the command's
// last line on standard output is an event, "result".
func RunProgram(ctx context.Context, p Process, name string, command func(*Program) *cobra.Command) int {
	a := newApp(p, library{})
	a.only = name
	cmd := command(&Program{a})
	a.prepare(cmd)
	cmd.Args = noArguments
	cmd.SetArgs(p.Args)
	return a.finish(cmd.ExecuteContext(ctx))
}

// Stdout is standard output, unescaped: for JSON, and for text that is safe to print.
func (p *Program) Stdout() io.Writer { return p.app.exact }

// Stderr is standard error, unescaped.
func (p *Program) Stderr() io.Writer { return p.app.err }

// Width returns the number of columns of standard error.
func (p *Program) Width() int { return p.app.width(p.app.err) }

// Lively reports whether standard output and standard error are terminals that may be redrawn and coloured.
func (p *Program) Lively() (stdout, stderr bool) {
	return p.app.isLively(p.app.out), p.app.isLively(p.app.err)
}

// UntilSignal returns a context that the first signal cancels. The caller calls end when the command is done.
func (p *Program) UntilSignal(ctx context.Context) (until context.Context, end func()) {
	stopping := p.app.watch(ctx, false, func(string) {})
	return stopping.hard, stopping.end
}

// ExitCode returns the exit code that the error leads to.
func (p *Program) ExitCode(err error) int { return p.app.exit(err) }

// Report reports an error now. RunProgram does not report the returned error again.
func (p *Program) Report(err error) error {
	p.app.report(err)
	return Reported(err)
}

// Reported wraps an error that the command's own output already contains, so that RunProgram does not report it
// again. Of nil it returns nil.
func Reported(err error) error {
	var already reportedError
	if err == nil || errors.As(err, &already) {
		return err
	}
	return reportedError{err}
}

// WrongFlag returns the problem of a flag that has a wrong value.
func WrongFlag(message, hint string) *problem.Problem { return wrong("flag_value", message, hint) }
