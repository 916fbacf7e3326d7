package cli

import (
	"errors"
	"io"
	"syscall"

	"github.com/rekey-pg/rekey/internal/message"
)

// output is standard output, and remembers that it could not be written.
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

// unwritten tells, where it can still be read, that data was lost. A reader that has gone away, head perhaps,
// wants no more of it.
func (a *app) outputError(err, lost error) error {
	gone := errors.Is(lost, syscall.EPIPE)
	if lost == nil || gone && err == nil {
		return err
	}
	if !gone {
		a.reportText(message.OutputFailed(lost))
	}
	if err == nil || errors.Is(err, lost) {
		return alreadyReported{message.OutputFailed(lost)}
	}
	return err
}
