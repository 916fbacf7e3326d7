package browsertest

import "testing"

func TestRequestsThatMayNotLeave(t *testing.T) {
	const file, server = "file:///tmp/report.html", "http://127.0.0.1:8099/#token"
	for _, c := range []struct {
		request, page string
		local         bool
	}{
		{"http://127.0.0.1:8099/events", server, true},
		{"http://[::1]:8099/events", server, true},
		{"http://localhost:1/", server, true},
		{"data:image/png;base64,AA", server, true},
		{"https://example.com/", server, false},
		{"http://127.0.0.1.example.com/", server, false},
		{"file:///etc/passwd", server, false},
		{file, file, true},
		{"data:font/woff2;base64,AA", file, true},
		{"file:///tmp/other.css", file, false},
		{"http://127.0.0.1/", file, false},
	} {
		if got := local(c.request, c.page); got != c.local {
			t.Errorf("%s of %s: %t", c.request, c.page, got)
		}
	}
}
