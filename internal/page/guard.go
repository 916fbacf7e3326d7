package page

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// policy is the content security policy: the page runs its own scripts and styles, and talks to its own server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// cookieName is the name of the cookie. All ports of a host share its cookies, so it contains a part of a hash of the token.
func (s *Server) cookieName() string {
	hash := sha256.Sum256([]byte(s.token))
	return "rekey_" + strings.ToLower(strings.NewReplacer("-", "a", "_", "b").Replace(encode(hash[:6])))
}

// guard sets the headers of every answer and refuses requests to another host: a page elsewhere may give its own name the
// address of this machine.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.knowsHost(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, "this server does not answer for the host of the request: open the address that rekey printed")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knowsHost reports whether the server answers for a Host header. The port may be another one, such as a tunnel's.
func (s *Server) knowsHost(header string) bool {
	host := header
	if name, _, err := net.SplitHostPort(header); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return s.remote && s.host != "" && strings.EqualFold(host, s.host)
	}
	return s.remote || address.Unmap().IsLoopback()
}

// access is how a request is allowed.
type access int

const (
	noAccess access = iota
	wrongToken
	byToken
	byCookie
)

// access decides by the header Authorization, and without one by the cookie.
func (s *Server) access(r *http.Request) access {
	if header := r.Header.Get("Authorization"); header != "" {
		token, bearer := strings.CutPrefix(header, "Bearer ")
		if bearer && equal(token, s.token) {
			return byToken
		}
		return wrongToken
	}
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return noAccess
	}
	if equal(cookie.Value, s.session) {
		return byCookie
	}
	return wrongToken
}

// equal compares two secrets in a time that does not depend on where they differ.
func equal(a, b string) bool {
	left, right := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(left[:], right[:]) == 1
}

// allowed lets requests with the token or the cookie pass.
func (s *Server) allowed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch s.access(r) {
		case byToken, byCookie:
			next(w, r)
		case wrongToken:
			refuse(w, http.StatusForbidden, "the token is wrong: open the address that rekey printed last")
		default:
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "the token is missing: open the address that rekey printed, with everything behind the #")
		}
	}
}

// sameOrigin reports whether a request that changes something comes from the page itself, or from a program with the token.
func (s *Server) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return s.access(r) == byToken // a browser sends the header with every POST
	}
	parsed, err := url.Parse(origin)
	return err == nil && parsed.Scheme == "http" && strings.EqualFold(parsed.Host, r.Host)
}

// refuse answers with a sentence.
func refuse(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte("rekey: " + text + ".\n"))
}
