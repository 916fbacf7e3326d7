package page

import (
	"cmp"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// controlTimeout limits the time until a request to the run is recorded.
const controlTimeout = 8 * time.Second

//go:embed assets/index.html assets/page.css assets/page.js assets/charts.js assets/icon.svg assets/uPlot.iife.min.js assets/uPlot.min.css assets/uPlot.LICENSE
var assets embed.FS

func encode(bits []byte) string { return base64.RawURLEncoding.EncodeToString(bits) }

// handler returns what the server answers. The page's own files need no token, since they contain no data.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.file)
	mux.HandleFunc("/session", s.post(s.openSession))
	mux.HandleFunc("/events", s.get(s.allowed(s.stream)))
	mux.HandleFunc("/state", s.get(s.allowed(s.state)))
	mux.HandleFunc("/metrics", s.get(s.allowed(s.metrics().ServeHTTP)))
	for _, verb := range []string{"pause", "resume", "stop", "pace", "max-impact"} {
		mux.HandleFunc("/run/"+verb, s.post(s.allowed(s.steer(verb))))
	}
	return s.guard(mux)
}

// get lets GET and HEAD pass.
func (s *Server) get(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, "only GET is allowed here")
			return
		}
		next(w, r)
	}
}

// post lets POST from the page itself pass.
func (s *Server) post(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			refuse(w, http.StatusMethodNotAllowed, "only POST is allowed here")
			return
		}
		if !s.sameOrigin(r) {
			refuse(w, http.StatusForbidden, "the request comes from another page")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		next(w, r)
	}
}

// file serves the files of the page.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	content, err := assets.ReadFile(path.Join("assets", path.Clean("/"+name)))
	if err != nil {
		refuse(w, http.StatusNotFound, "there is nothing at this path: the page is at /")
		return
	}
	s.get(func(w http.ResponseWriter, r *http.Request) {
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // the system's table may lack them
		case ".html":
			kind = "text/html; charset=utf-8"
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		case ".LICENSE":
			kind = "text/plain; charset=utf-8"
		}
		w.Header().Set("Content-Type", kind)
		if r.Method == http.MethodGet {
			_, _ = w.Write(content) //nolint:gosec // a file of the binary
		}
	})(w, r)
}

// openSession gives a browser with the token the cookie.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	if s.access(r) != byToken {
		refuse(w, http.StatusForbidden, "the token is wrong: open the address that rekey printed last")
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // no Secure: the server speaks HTTP on the loopback address
		Name: s.cookieName(), Value: s.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	w.WriteHeader(http.StatusNoContent)
}

// steer returns the handler of a request that controls the run.
func (s *Server) steer(verb string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Pace      string `json:"pace"`
			MaxImpact string `json:"max_impact"`
		}
		if err := decode(r, &body); err != nil {
			if _, large := errors.AsType[*http.MaxBytesError](err); large {
				refuse(w, http.StatusRequestEntityTooLarge, "the request is larger than 4 kB")
				return
			}
			refuse(w, http.StatusBadRequest, `the body is not JSON such as {"pace": "gentle"}`)
			return
		}
		if err := s.send(r, verb, cmp.Or(body.Pace, body.MaxImpact)); err != nil {
			p := problemOf(err)
			code := http.StatusConflict
			if p.Kind == problem.Usage {
				code = http.StatusBadRequest
			}
			text := strings.TrimSuffix(p.Error(), ".")
			refuse(w, code, text)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) send(r *http.Request, verb, value string) error {
	control := s.controls()
	if control == nil {
		return message.NoRunYet()
	}
	ctx, cancel := context.WithTimeout(r.Context(), controlTimeout)
	defer cancel()
	switch verb {
	case "pause":
		return control.Pause(ctx)
	case "resume":
		return control.Resume(ctx)
	case "stop":
		return control.Stop(ctx)
	case "max-impact":
		return control.MaxImpact(ctx, value)
	default:
		return control.Pace(ctx, value)
	}
}

// decode reads a JSON object, or nothing.
func decode(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil && decoder.More() {
		return errors.New("more than one value")
	}
	return err
}
