package cli

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const canUserTimeout = true

// userTimeout lets the kernel end a connection whose data is not acknowledged for so long.
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
