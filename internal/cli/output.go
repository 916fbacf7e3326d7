package cli

import (
	"errors"
	"io"
	"syscall"

	"github.com/rekey-pg/rekey/internal/message"
)

// output is standard output. It keeps the first write error.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(text []byte) (int, error) {
	n, err := o.Writer.Write(text)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// outputError reports a write error of standard output on standard error. A closed pipe is not an error of a command
// that succeeds: the reader, such as head, needs no more.
func (a *app) outputError(err, lost error) error {
	gone := errors.Is(lost, syscall.EPIPE)
	if lost == nil || gone && err == nil {
		return err
	}
	if !gone {
		a.reportText(message.OutputFailed(lost))
	}
	if err == nil || errors.Is(err, lost) {
		return reportedError{message.OutputFailed(lost)}
	}
	return err
}
