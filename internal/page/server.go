package page

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// Limits of the server.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 10 * time.Second // of an answer, and of each frame of a stream
	idleTimeout   = time.Minute
	headerLimit   = 16 << 10 // bytes
	bodyLimit     = 4 << 10  // bytes of a request that controls the run
	streamLimit   = 64       // pages that are open at once
	endTimeout    = 2 * time.Second
)

// Options describe a server.
type Options struct {
	// Remote allows an address that other machines reach.
	Remote bool
}

// Server serves the page of one board.
type Server struct {
	board    *Board
	listener net.Listener
	http     *http.Server
	token    string // in the URL that is printed
	session  string // the value of the cookie
	host     string // of the address, if Remote
	remote   bool
	streams  chan struct{} // one element for each open stream

	mu      sync.Mutex
	control Control // nil before SetControl
}

// Listen opens the address, such as "127.0.0.1:8099", with a new random token. It returns a [problem.Problem] of kind Usage if
// the address is no host and port, or not a loopback address without Options.Remote, and of kind Failed if it cannot be opened,
// such as a port in use.
func Listen(ctx context.Context, address string, board *Board, options Options) (*Server, error) {
	host, err := checkAddress(ctx, address, options.Remote)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, message.PageAddress(printable(address), listenFault(err), errors.Is(err, syscall.EADDRINUSE), err)
	}
	s := &Server{
		board: board, listener: listener, token: secret(), session: secret(), host: host, remote: options.Remote,
		streams: make(chan struct{}, streamLimit),
	}
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerLimit, ErrorLog: log.New(io.Discard, "", 0), //nolint:forbidigo // it discards: clients get an answer
	}
	go func() { _ = s.http.Serve(listener) }() // it ends with Close
	return s, nil
}

// checkAddress returns the host of an address. It resolves a name: every address of it must be a loopback address.
func checkAddress(ctx context.Context, address string, remote bool) (string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", message.BadPageAddress(printable(address))
	}
	if remote {
		return host, nil
	}
	found, err := new(net.Resolver).LookupNetIP(ctx, "ip", host)
	if host == "" || err != nil {
		return "", message.PageNotLoopback(printable(address))
	}
	for _, ip := range found {
		if !ip.Unmap().IsLoopback() {
			return "", message.PageNotLoopback(printable(address))
		}
	}
	return host, nil
}

// printable returns an address for a message, if it looks like one. Anything else may be a connection string with a password.
func printable(address string) string {
	if regexp.MustCompile(`^[0-9A-Za-z.:\[\]-]{1,100}$`).MatchString(address) {
		return address
	}
	return "this (not repeated here, since it may contain a password)"
}

// listenFault describes why an address cannot be opened.
func listenFault(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there"
	case errors.Is(err, syscall.EACCES):
		return "this user may not open the port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address"
	default:
		return "the system refused it"
	}
}

// secret returns 256 random bits.
func secret() string {
	bits := make([]byte, 32)
	_, _ = rand.Read(bits) // never fails
	return base64.RawURLEncoding.EncodeToString(bits)
}

// URL returns the address of the page with its token, which a browser does not send: it is the fragment.
func (s *Server) URL() string {
	return "http://" + s.Address() + "/#" + s.token
}

// Address returns the host and the port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Token returns the token.
func (s *Server) Token() string { return s.token }

// Loopback reports whether only programs of this machine reach the server.
func (s *Server) Loopback() bool {
	address, err := netip.ParseAddrPort(s.Address())
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// Close sends the last state to the open pages and ends the server, within two seconds.
func (s *Server) Close() {
	s.board.end()
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // the clients that do not read
	}
}

// SetControl sets what sends requests to the run. Before it, they are refused.
func (s *Server) SetControl(control Control) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control = control
}

func (s *Server) controls() Control {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.control
}

// Control sends requests to the run.
type Control interface {
	// Pause pauses the run before its next batch.
	Pause(ctx context.Context) error
	// Resume continues a paused run.
	Resume(ctx context.Context) error
	// Stop ends the run after its current batch.
	Stop(ctx context.Context) error
	// Pace changes the pace: gentle, normal or full.
	Pace(ctx context.Context, pace string) error
	// MaxImpact changes the limit of the impact: a number such as 1.5, or "off".
	MaxImpact(ctx context.Context, limit string) error
}

// problemOf returns the first problem of an error.
func problemOf(err error) *problem.Problem { return problem.All(err)[0] }
