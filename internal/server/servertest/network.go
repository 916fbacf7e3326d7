package servertest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Network is a TCP proxy in front of a server. A silent network accepts and acknowledges data and forwards none.
type Network struct {
	URL      string // connection string through the network
	listener net.Listener
	target   string
	opened   atomic.Int64
	sent     atomic.Int64 // bytes that servers have sent
	after    atomic.Int64 // silent after this number of bytes; 0 means never

	mu     sync.Mutex
	silent bool // all connections, new ones too
	cut    bool // none passes
	links  map[*link]bool
}

// link is one connection through the network.
type link struct {
	client, server net.Conn
	silent         atomic.Bool
}

// Through opens a network in front of the server that a URL points to.
func Through(t testing.TB, to string) *Network {
	t.Helper()
	parsed, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{listener: listener, target: parsed.Host, links: map[*link]bool{}}
	parsed.Host = listener.Addr().String()
	n.URL = parsed.String()
	go n.serve()
	t.Cleanup(n.close)
	return n
}

// Silence makes all connections silent, including new ones.
func (n *Network) Silence() {
	n.mu.Lock()
	n.silent = true
	n.mu.Unlock()
	n.SilenceOpen()
}

// Cut closes all connections, and new ones at once, until Mend.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = true
	for l := range n.links {
		l.close()
	}
}

// Mend lets new connections pass again.
func (n *Network) Mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = false
}

// SilenceOpen makes the open connections silent for ever.
func (n *Network) SilenceOpen() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		l.silent.Store(true)
	}
}

// SilenceAfter makes the network silent after the server has sent this number of bytes.
func (n *Network) SilenceAfter(bytes int64) { n.after.Store(bytes) }

// Silent reports whether new connections are silent.
func (n *Network) Silent() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.silent
}

// count adds the bytes that a server has sent.
func (n *Network) count(bytes int) {
	if after := n.after.Load(); n.sent.Add(int64(bytes)) >= after && after > 0 {
		n.Silence()
	}
}

// Opened returns the number of connections so far.
func (n *Network) Opened() int { return int(n.opened.Load()) }

func (n *Network) serve() {
	for {
		client, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.opened.Add(1)
		go n.join(client)
	}
}

func (n *Network) join(client net.Conn) {
	server, err := net.Dial("tcp", n.target)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client: client, server: server}
	n.mu.Lock()
	if n.cut {
		n.mu.Unlock()
		l.close()
		return
	}
	l.silent.Store(n.silent)
	n.links[l] = true
	n.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.carry(client, server, func(int) {}) })
	both.Go(func() { l.carry(server, client, n.count) })
	both.Wait()
	l.close()
	n.mu.Lock()
	delete(n.links, l)
	n.mu.Unlock()
}

// carry copies bytes in one direction. A silent link continues to read, so that TCP acknowledges.
func (l *link) carry(from, to net.Conn, note func(bytes int)) {
	buffer := make([]byte, 32<<10)
	for {
		count, err := from.Read(buffer)
		note(count)
		if count > 0 && !l.silent.Load() {
			if _, err := to.Write(buffer[:count]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	if l.silent.Load() {
		_, _ = io.Copy(io.Discard, to) // the other end learns nothing until it closes the connection
		return
	}
	l.close()
}

func (l *link) close() { _, _ = l.client.Close(), l.server.Close() }

func (n *Network) close() {
	_ = n.listener.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		l.close()
	}
}
