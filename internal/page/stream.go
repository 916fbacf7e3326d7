package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// frameInterval is the shortest time between two frames to a client. What happens between them is in the next frame, so a
	// slow client costs no memory.
	frameInterval = 250 * time.Millisecond
	// heartbeat is the longest time without a frame, after which a comment shows that the connection lives.
	heartbeat = 10 * time.Second
)

// stream sends server-sent events: first everything after the client's last event, then the changes.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d pages are open already: close one of them", streamLimit))
		return
	}
	connection := http.NewResponseController(w)
	if err := connection.SetReadDeadline(time.Time{}); err != nil {
		refuse(w, http.StatusInternalServerError, "this connection cannot stream")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	c := parseCursor(r.Header.Get("Last-Event-ID"))
	if c == (cursor{}) {
		c = parseCursor(r.URL.Query().Get("after"))
	}
	for {
		now, changed := s.board.now()
		f, next := after(c, now, time.Now())
		c = next
		if err := write(w, connection, sse(f, c)); err != nil || now.over {
			return
		}
		if !s.pause(w, r, connection, changed) {
			return
		}
	}
}

// pause waits for a change, but at least for frameInterval. It returns false if the client is gone.
func (s *Server) pause(w http.ResponseWriter, r *http.Request, connection *http.ResponseController, changed <-chan struct{}) bool {
	rest := time.NewTimer(frameInterval)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-r.Context().Done():
		return false
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-changed:
			return true
		case <-beat.C:
			if write(w, connection, []byte(": still here\n\n")) != nil {
				return false
			}
		case <-r.Context().Done():
			return false
		}
	}
}

// sse returns a frame as a server-sent event.
func sse(f frame, c cursor) []byte {
	data, err := json.Marshal(f)
	if err != nil { // NaN or an infinity, which no event contains
		return []byte(": not shown\n\n")
	}
	return fmt.Appendf(nil, "id: %s\ndata: %s\n\n", c, data)
}

// write sends text within writeTimeout.
func write(w http.ResponseWriter, connection *http.ResponseController, text []byte) error {
	if err := connection.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return connection.Flush()
}

// state answers with all that the page shows, as JSON.
func (s *Server) state(w http.ResponseWriter, _ *http.Request) {
	now, _ := s.board.now()
	f, _ := after(cursor{}, now, time.Now())
	data, err := json.Marshal(f)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the state cannot be written")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data)
}
