package cli

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const canUserTimeout = true

// userTimeout makes the kernel close a connection whose data is not acknowledged for the given time.
func userTimeout(network string, raw syscall.RawConn, most time.Duration) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(most.Milliseconds()))
	})
	return errors.Join(err, failed)
}
