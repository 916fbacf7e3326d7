package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are below the ranges for outgoing connections (Linux: from 32768, others: from 49152). In those ranges, a
// client that retries a stopped server's port can connect to itself.
const (
	firstPort = 21000
	lastPort  = 31999
)

// freePort returns a port of the loopback address that no process listens on. It is chosen at random, so that
// concurrent programs rarely choose the same.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		if err := listener.Close(); err == nil {
			return port, nil
		}
	}
	return 0, errors.New("no free port on 127.0.0.1")
}
