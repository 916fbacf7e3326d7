package cli

import (
	"maps"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// dialer returns a function that connects with the keepalives and the timeout of the connection string.
func (w socketOptions) dialer(timeout time.Duration) pgconn.DialFunc {
	d := &net.Dialer{Timeout: timeout, KeepAlive: -1}
	if w.keepalives {
		d.KeepAlive = 0
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: w.idle, Interval: w.interval, Count: w.count}
	}
	if w.user > 0 {
		d.Control = func(network, _ string, raw syscall.RawConn) error { return userTimeout(network, raw, w.user) }
	}
	return d.DialContext
}

func sorted(words map[string]string) []string { return slices.Sorted(maps.Keys(words)) }
