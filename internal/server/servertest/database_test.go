package servertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func TestMain(m *testing.M) { Main(m) }

func TestEachIsShared(t *testing.T) {
	first := map[string]int{}
	Each(t, func(t *testing.T, c *server.Cluster) { first[t.Name()] = c.Port() })
	Each(t, func(t *testing.T, c *server.Cluster) {
		name, _, _ := strings.Cut(t.Name(), "#")
		if first[name] != c.Port() {
			t.Errorf("another server, on port %d instead of %d", c.Port(), first[name])
		}
	})
	if len(first) != len(Versions(t)) {
		t.Errorf("ran on %v", first)
	}
}

func exists(t *testing.T, c *server.Cluster, database string) bool {
	t.Helper()
	ctx := context.Background() // clean-ups call it after the test's context has ended
	session, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(ctx)
	var found bool
	query := "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
	if err := session.QueryRow(ctx, query, database).Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDatabaseIsDroppedWithItsSessions(t *testing.T) {
	Each(t, func(t *testing.T, c *server.Cluster) {
		var name string
		var left *pgx.Conn
		t.Run("with “quotes\" and spaces, in a test whose name is far longer than any name may be", func(t *testing.T) {
			made := Database(t, c)
			name = made.Name
			session, err := pgx.Connect(t.Context(), made.URL)
			if err != nil {
				t.Fatal(err)
			}
			if got := session.Config().Database; got != name || !sqltext.FitsIdentifier(name) {
				t.Errorf("the URL connects to %q, the name is %q", got, name)
			}
			left = session
			t.Cleanup(func() {
				if !exists(t, c, name) {
					t.Error("dropped before the test's own clean-up")
				}
			})
		})
		if exists(t, c, name) {
			t.Errorf("%s was not dropped", name)
		}
		_ = left.Close(t.Context()) // only now, so that the database was dropped while it had a session
	})
}

func TestTemplateIsBuiltOnce(t *testing.T) {
	Each(t, func(t *testing.T, c *server.Cluster) {
		var built int
		build := func(url string) error {
			built++
			session, err := pgx.Connect(t.Context(), url)
			if err != nil {
				return err
			}
			_, err = session.Exec(t.Context(), "CREATE TABLE stuff AS SELECT 7 AS number")
			return errors.Join(err, session.Close(t.Context()))
		}
		var copies sync.WaitGroup
		for range 4 {
			copies.Go(func() {
				made := Database(t, c, Template(t, c, `with "stuff"`, build))
				session, err := pgx.Connect(t.Context(), made.URL)
				if err != nil {
					t.Error(err)
					return
				}
				defer session.Close(t.Context())
				var number int
				if err := session.QueryRow(t.Context(), "SELECT number FROM stuff").Scan(&number); err != nil || number != 7 {
					t.Errorf("the copy contains %d: %v", number, err)
				}
			})
		}
		copies.Wait()
		if built != 1 {
			t.Errorf("built %d times", built)
		}
	})
}

func TestParseVersions(t *testing.T) {
	for list, want := range map[string][]int{
		"":          {13, 15, 18},
		"all":       {13, 14, 15, 16, 17, 18},
		"17":        {17},
		"18, 13,18": {13, 18},
	} {
		if got, err := parseVersions(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v", list, got, err)
		}
	}
	for _, list := range []string{"12", "15,,16", "19", "latest", ","} {
		if got, err := parseVersions(list); err == nil {
			t.Errorf("%q is parsed as %v", list, got)
		}
	}
}

func TestExplainNamesRemedies(t *testing.T) {
	text := explain(fmt.Errorf("wrapped: %w", &server.MissingError{Major: 17}))
	for _, part := range []string{"no PostgreSQL 17", "apt-get install postgresql-17", "npm", "REKEY_PG_BIN", "REKEY_PG_VERSIONS"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %q", part, text)
		}
	}
}
