package cli

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel has the options of the connection string.
func TestSetsSocketOptions(t *testing.T) {
	option := func(level, name int) func(int) (int, error) {
		return func(fd int) (int, error) { return unix.GetsockoptInt(fd, level, name) }
	}
	for _, c := range []struct {
		words       string
		level, name int
		want        int
	}{
		{"tcp_user_timeout=4321", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 4321},
		{"", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0},
		{"", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"keepalives=0", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
		{"keepalives_idle=77", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77},
		{"keepalives_interval=6", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 6},
		{"keepalives_count=3", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		{"", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepIdle.Seconds())},
	} {
		if got := socketOption(t, c.words, option(c.level, c.name)); got != c.want {
			t.Errorf("%s: option %d is %d, want %d", c.words, c.name, got, c.want)
		}
	}
}

// socketOption connects with a connection string and reads an option from the kernel.
func socketOption(t *testing.T, words string, ask func(fd int) (int, error)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config, err := connection{url: "postgres://h/d?" + words}.parse()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := config.ConnConfig.DialFunc(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	var failed error
	if err := raw.Control(func(fd uintptr) { value, failed = ask(int(fd)) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}
