// Package problem defines the errors that rekey returns. A [Problem] has a message, a detail and a
// hint with the next command, as PostgreSQL's own errors do, and a [Kind] that decides the exit code
// of the command. Use [errors.Is] with the sentinels of this package to branch on the kind, and
// [errors.As] or [All] to read the texts.
package problem

import (
	"errors"
	"strings"

	"github.com/rekey-pg/rekey/internal/visible"
)

// Kind classifies a problem by its effect on the call.
type Kind string

// The kinds, with the exit code of the command.
const (
	Failed      Kind = "failed"      // 1: the call failed, or could not connect
	Usage       Kind = "usage"       // 2: an argument is wrong
	Refused     Kind = "refused"     // 4: a check failed before anything was changed
	Running     Kind = "running"     // 5: another run holds the lease of the schema
	Differs     Kind = "differs"     // 6: verify found differences
	Stopped     Kind = "stopped"     // 7: the run gave up or was stopped cleanly; the same call resumes it
	Interrupted Kind = "interrupted" // 130: a signal, a closed Options.Stop or the end of the context ended the run; the same call resumes it
)

// Sentinels for errors.Is, one for each [Kind].
var (
	ErrFailed      = errors.New("rekey: failed")
	ErrUsage       = errors.New("rekey: wrong usage")
	ErrRefused     = errors.New("rekey: refused before the first change")
	ErrRunning     = errors.New("rekey: another run holds the lease")
	ErrDiffers     = errors.New("rekey: verify found differences")
	ErrStopped     = errors.New("rekey: stopped cleanly, the same call resumes")
	ErrInterrupted = errors.New("rekey: interrupted, the same call resumes")
)

// Problem is one error of a call. It implements error, and errors.Is matches the sentinel of its Kind.
type Problem struct {
	// Kind decides the sentinel that errors.Is matches, and the exit code.
	Kind Kind `json:"kind"`
	// Code identifies the problem for programs, such as "text_column" or "lease_held". It is stable.
	Code string `json:"code"`
	// Table is the schema-qualified table, or "" if the problem concerns no single table.
	Table string `json:"table,omitempty"`
	// Step is what the call was doing when it failed, such as "fill-column", or "".
	Step string `json:"step,omitempty"`
	// SQLState is the SQLSTATE of the server error that ended the call, or "".
	SQLState string `json:"sqlstate,omitempty"`
	// Message is one line: lower case, without a period.
	Message string `json:"message"`
	// Detail is one or more sentences, or "".
	Detail string `json:"detail,omitempty"`
	// Hint is the next command or statement, or "".
	Hint string `json:"hint,omitempty"`
	// Cause is the underlying error, or nil.
	Cause error `json:"-"`
}

// Error returns the message and the detail on one line. Control characters in them are escaped.
func (p *Problem) Error() string {
	text := p.Message
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return visible.Text(text)
}

// Unwrap returns the Cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Is reports whether target is the sentinel of the problem's Kind.
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

// List is an error made of several problems, in the order in which they were found.
type List []*Problem

// Error returns the texts of all problems, separated by semicolons.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "; ")
}

// Unwrap returns the problems, for errors.Is and errors.As.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}

// All returns the problems that err consists of. An error that contains none becomes one of kind
// [Failed] and code "failed" with err as its Cause. All returns nil if err is nil.
func All(err error) List {
	if err == nil {
		return nil
	}
	if list, ok := errors.AsType[List](err); ok {
		return list
	}
	if one, ok := errors.AsType[*Problem](err); ok {
		return List{one}
	}
	return List{{Kind: Failed, Code: "failed", Message: "rekey failed", Detail: "The error was: " + strings.TrimSuffix(visible.Error(err), ".") + ".", Cause: err}}
}
