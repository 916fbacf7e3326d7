package message

import "testing"

func TestServerString(t *testing.T) {
	for _, c := range []struct {
		server Server
		want   string
	}{
		{Server{Host: "db", Port: 5432}, "db:5432"},
		{Server{Host: "::1", Port: 5432}, "[::1]:5432"},
		{Server{Host: "/run/postgresql", Port: 6543}, "/run/postgresql/.s.PGSQL.6543"},
	} {
		if got := c.server.String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
