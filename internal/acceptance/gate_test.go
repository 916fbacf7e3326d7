package acceptance

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// gate is the network between rekey and its server. It reads rekey's messages and counts the statements that change something.
type gate struct {
	listener net.Listener
	target   string
	reached  func(sql string) // called once, in place of sending the statement
	passes   bool             // the statement and later ones are sent after reached returns
	sent     bool             // reached is called while the statement is being sent; requires passes

	mu       sync.Mutex
	at       int      // the number of the statement that is not sent; 0 for none
	seen     []string // statements that change something
	closed   bool
	sessions []net.Conn
}

// open starts the gate. Its target and what it does at which statement are set.
func (g *gate) open() error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g.listener = listener
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go g.join(client)
		}
	}()
	return nil
}

// close ends all sessions.
func (g *gate) close() {
	_ = g.listener.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, c := range g.sessions {
		_ = c.Close()
	}
}

// statements returns the counts.
func (g *gate) statements() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen
}

func (g *gate) join(client net.Conn) {
	server, err := net.Dial("tcp4", g.target)
	if err != nil {
		_ = client.Close()
		return
	}
	g.mu.Lock()
	g.sessions = append(g.sessions, client, server)
	closed := g.closed
	g.mu.Unlock()
	if closed {
		_ = client.Close()
	}
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	_ = g.forward(client, server)
	_ = server.Close()
}

// errReached ends a session whose next statement is the one that is not sent.
var errReached = errors.New("the statement is not sent")

// forward sends the client's messages, and reads statements before it sends them.
func (g *gate) forward(client io.Reader, server io.Writer) error {
	text := map[string]string{} // of prepared statements
	portal := ""                // text of the bound statement
	changed := false            // the open transaction has changed something
	for startup := true; ; startup = false {
		head := 5
		if startup {
			head = 4 // the first message has no type
		}
		message := make([]byte, head)
		if _, err := io.ReadFull(client, message); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(message[head-4:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		if !startup {
			sql := ""
			switch fields := strings.Split(string(body), "\x00"); message[0] {
			case 'Q':
				sql = fields[0]
			case 'P':
				text[fields[0]] = fields[1]
			case 'B':
				portal = text[fields[1]]
			case 'E':
				sql = portal
			}
			if sql != "" {
				if counts := changes(sql, &changed); !g.pass(sql, counts) {
					return errReached
				}
			}
		}
		if _, err := server.Write(slices.Concat(message, body)); err != nil {
			return err
		}
	}
}

// pass counts a message that changes something and reports whether the message may be sent. Killing rekey before a message that reads
// is the same as killing it before the next one that changes something.
func (g *gate) pass(sql string, changes bool) bool {
	g.mu.Lock()
	past := g.at > 0 && len(g.seen) >= g.at
	if changes && (!past || g.passes) {
		g.seen = append(g.seen, sql)
	}
	now := !past && len(g.seen) == g.at && changes
	g.mu.Unlock()
	switch {
	case now && g.sent:
		go g.reached(sql)
	case now:
		g.reached(sql)
	}
	return g.passes || !past && !now
}

// changes reports whether a message changes something, or commits what the transaction has changed. A change and its COMMIT in one message
// are one: the server gets both or neither.
func changes(message string, open *bool) bool {
	if strings.EqualFold(strings.Trim(message, "; "), "COMMIT") {
		defer func() { *open = false }()
		return *open
	}
	if reads(message) {
		return false
	}
	*open = !strings.Contains(message, "; COMMIT")
	return true
}

// reads reports whether every statement of a message changes nothing that outlives its session.
func reads(message string) bool {
	tokens, ok := sqltext.Tokens(message)
	if !ok {
		return false
	}
	for len(tokens) > 0 {
		end := slices.IndexFunc(tokens, func(t sqltext.Token) bool { return t.Is(";") })
		if end < 0 {
			end = len(tokens)
		}
		if !readsOnly(tokens[:end]) {
			return false
		}
		tokens = tokens[min(end+1, len(tokens)):]
	}
	return true
}

// readsOnly is reads for one statement.
func readsOnly(statement []sqltext.Token) bool {
	if len(statement) == 0 {
		return true
	}
	switch strings.ToUpper(statement[0].Text) {
	case "SELECT", "SHOW", "SET", "BEGIN", "LOCK", "ROLLBACK":
		return true
	case "WITH":
		return !slices.ContainsFunc(statement, func(t sqltext.Token) bool { return t.Is("INSERT") || t.Is("UPDATE") || t.Is("DELETE") })
	}
	return false
}

// Messages begin with settings and locks, and all of their statements count.
func TestReads(t *testing.T) {
	for message, want := range map[string]bool{
		"":                   true,
		";; -- nothing":      true,
		"SELECT 1; SHOW all": true,
		"SET LOCAL lock_timeout = 50; LOCK TABLE a":                                  true,
		"SET LOCAL lock_timeout = 50; LOCK TABLE a; ALTER TABLE a ADD b int; COMMIT": false,
		"WITH a AS (SELECT ';') SELECT":                                              true,
		"WITH a AS (UPDATE b SET c = 1 RETURNING c) SELECT 1":                        false,
		"COMMIT":     false,
		"DO $$ ; $$": false,
		"DO 'a":      false,
	} {
		if reads(message) != want {
			t.Errorf("%q: %t", message, !want)
		}
	}
}
