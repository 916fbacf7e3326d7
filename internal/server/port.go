package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below the ranges from which systems give ports to outgoing connections (Linux
// from 32768, others from 49152): in there a client that tries a stopped server's port again and
// again can be connected to itself.
const (
	firstPort = 21000
	lastPort  = 31999
)

// freePort gives a port of the loopback address on which nobody listens, at random so that programs
// that run at the same time seldom choose the same.
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
