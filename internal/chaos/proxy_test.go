//go:build unix

package chaos

import (
	"net"
	"sync"
	"time"
)

// proxy is the network between rekey and its server. It can be cut and stalled.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	pairs   map[*pair]bool
	gone    []net.Conn    // the server's ends of connections whose client vanished
	stalled chan struct{} // closed at the end of a stall; nil without one
	refuse  bool
}

// pair is one connection: the client's end and the server's.
type pair struct{ client, server net.Conn }

func newProxy(target string) (*proxy, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, pairs: map[*pair]bool{}}
	go p.serve()
	return p, nil
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.join(client)
	}
}

func (p *proxy) join(client net.Conn) {
	p.flow()
	p.mu.Lock()
	refuse := p.refuse
	p.mu.Unlock()
	if refuse {
		reset(client)
		return
	}
	server, err := net.Dial("tcp4", p.target)
	if err != nil {
		reset(client)
		return
	}
	both := &pair{client: client, server: server}
	p.mu.Lock()
	p.pairs[both] = true
	p.mu.Unlock()
	go p.carry(both, client, server)
	p.carry(both, server, client)
}

// carry copies bytes in one direction until an end closes. Then it closes the other, unless it must stay open.
func (p *proxy) carry(both *pair, from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.flow()
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	p.mu.Lock()
	mine := p.pairs[both]
	delete(p.pairs, both)
	p.mu.Unlock()
	if mine {
		_, _ = both.client.Close(), both.server.Close()
	}
}

// flow waits while the network is stalled.
func (p *proxy) flow() {
	p.mu.Lock()
	stalled := p.stalled
	p.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

// stall blocks all traffic until end is called.
func (p *proxy) stall() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	stalled := make(chan struct{})
	p.stalled = stalled
	return func() {
		p.mu.Lock()
		p.stalled = nil
		p.mu.Unlock()
		close(stalled)
	}
}

// cut resets every connection on both sides and refuses new ones until end is called.
func (p *proxy) cut() (end func()) {
	for _, both := range p.take() {
		reset(both.client)
		reset(both.server)
	}
	return p.accept
}

// vanish resets the clients' ends but keeps the server's open, as if the cable were pulled. It refuses new connections
// until end is called.
func (p *proxy) vanish() (end func()) {
	for _, both := range p.take() {
		reset(both.client)
		p.mu.Lock()
		p.gone = append(p.gone, both.server)
		p.mu.Unlock()
	}
	return p.accept
}

// take returns all connections, for the caller to close, and refuses new ones.
func (p *proxy) take() []*pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = true
	var all []*pair
	for both := range p.pairs {
		all = append(all, both)
	}
	clear(p.pairs)
	return all
}

func (p *proxy) accept() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = false
}

// bury closes the connections that vanish kept open.
func (p *proxy) bury() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.gone {
		_ = c.Close()
	}
	p.gone = nil
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.cut()
	p.bury()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.SetDeadline(time.Now())
	_ = c.Close()
}
