// Package problem is what rekey tells a person when something is wrong: a message, a detail and a
// hint with the next command, as PostgreSQL's own errors have them, and a kind that decides the
// exit code.
package problem

import (
	"errors"
	"strings"

	"github.com/rekey-pg/rekey/internal/visible"
)

// Kind says what became of the run; each has an exit code of its own.
type Kind string

// The kinds. Their exit codes are in the command line's documentation.
const (
	Failed      Kind = "failed"      // 1: something broke, no connection too
	Usage       Kind = "usage"       // 2: the words of the call
	Refused     Kind = "refused"     // 4: a check said no before anything was changed
	Running     Kind = "running"     // 5: another run holds the lease
	Differs     Kind = "differs"     // 6: verify found differences
	Stopped     Kind = "stopped"     // 7: gave up or was stopped cleanly; the same command goes on
	Interrupted Kind = "interrupted" // 130: left at a signal, at a clean point
)

// Sentinels for errors.Is, one a kind.
var (
	ErrFailed      = errors.New("rekey: failed")
	ErrUsage       = errors.New("rekey: wrong usage")
	ErrRefused     = errors.New("rekey: refused before anything was changed")
	ErrRunning     = errors.New("rekey: another run is at work")
	ErrDiffers     = errors.New("rekey: verify found differences")
	ErrStopped     = errors.New("rekey: stopped cleanly, the same command goes on")
	ErrInterrupted = errors.New("rekey: interrupted, the same command goes on")
)

// Problem is one thing that is wrong.
type Problem struct {
	Kind     Kind   `json:"kind"`
	Code     string `json:"code"`               // stable, for programs: "text_column", "lease_held" …
	Table    string `json:"table,omitempty"`    // schema.table, where it is about one
	Step     string `json:"step,omitempty"`     // what was being done, where something failed on the way
	SQLState string `json:"sqlstate,omitempty"` // of the server's error, if that ended it
	Message  string `json:"message"`
	Detail   string `json:"detail,omitempty"`
	Hint     string `json:"hint,omitempty"` // what to do next, with the command or the statement
	Cause    error  `json:"-"`
}

// Error is the message with the detail, on one line; what a terminal would obey in the names that it holds is
// escaped.
func (p *Problem) Error() string {
	text := p.Message
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return visible.Text(text)
}

// Unwrap gives the error that brought it about, if there was one.
func (p *Problem) Unwrap() error { return p.Cause }

// Is answers to the sentinel of the problem's kind.
func (p *Problem) Is(target error) bool { return target == p.Kind.sentinel() }

func (k Kind) sentinel() error {
	switch k {
	case Usage:
		return ErrUsage
	case Refused:
		return ErrRefused
	case Running:
		return ErrRunning
	case Differs:
		return ErrDiffers
	case Stopped:
		return ErrStopped
	case Interrupted:
		return ErrInterrupted
	default:
		return ErrFailed
	}
}

// List is several problems of one run, all found before the first change.
type List []*Problem

// Error names each of them.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "; ")
}

// Unwrap lets errors.Is and errors.As see each of them.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}

// All gives the problems inside an error; an error that is none becomes a Failed one.
func All(err error) List {
	if list, ok := errors.AsType[List](err); ok {
		return list
	}
	if one, ok := errors.AsType[*Problem](err); ok {
		return List{one}
	}
	return List{Fault{Doing: "rekey", Said: visible.Error(err), Cause: err}.Problem()}
}
