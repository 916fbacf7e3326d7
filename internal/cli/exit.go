package cli

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// errPending ends plan --exit-code when there is something to do.
var errPending = errors.New("work is pending")

// watchEndedError ends status --watch after a signal. Nothing was interrupted but the view, so that nothing is reported.
type watchEndedError struct{}

func (watchEndedError) Error() string { return "the watch was ended" }

// Unwrap gives it the exit code of the signal.
func (watchEndedError) Unwrap() error { return problem.ErrInterrupted }

// silent reports whether an error only sets the exit code.
func silent(err error) bool { return errors.Is(err, errPending) || errors.Is(err, watchEndedError{}) }

// exit returns the exit code of an error. No other function does:
//
//	0    done, or nothing to do
//	1    failed, or could not connect
//	2    wrong usage
//	3    work is pending (plan --exit-code)
//	4    refused before the first change
//	5    another run is active
//	6    verify found differences
//	7    gave up or was stopped; the same command resumes the run
//	129  interrupted by SIGHUP, at a clean point
//	130  interrupted by SIGINT, at a clean point
//	143  interrupted by SIGTERM, at a clean point
func (a *app) exit(err error) int {
	if errors.Is(err, errPending) {
		return 3
	}
	code := problem.ExitCode(err)
	if errors.Is(err, problem.ErrInterrupted) {
		switch a.signal.Load() {
		case os.Signal(syscall.SIGHUP):
			code = 129
		case os.Signal(syscall.SIGTERM):
			code = 143
		default:
			code = 130
		}
	}
	return code
}

// interrupted returns the problem of a cancelled call. Only a signal cancels; any other error is returned as it is.
func (a *app) interrupted(err error) error {
	if err == nil || a.signal.Load() == nil || !errors.Is(err, context.Canceled) || errors.Is(err, problem.ErrInterrupted) {
		return err
	}
	return message.Cancelled(err)
}
