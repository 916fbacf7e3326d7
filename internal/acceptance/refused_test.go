package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/fixture/zoo"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

const exitRefused = 4

// refusal is what the command says last.
type refusal struct {
	Exit     int
	Problems []struct{ Code, Message, Detail, Hint, Table string }
}

// Each reference of the zoo that cannot be linked is refused on its own: exit code 4, a message, a detail and a hint, and nothing
// has changed. The short form asks for all of them at once.
func TestRefusals(t *testing.T) {
	on(t, func(t *testing.T, c *server.Cluster) {
		db := servertest.Database(t, c)
		conn, err := pgx.Connect(t.Context(), db.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if err := zoo.CreateEdges(t.Context(), conn, c.Major); err != nil {
			t.Fatal(err)
		}
		// The default of this one can be mirrored once its parent has a uuid.
		const early = "on_delete_set_default"
		if one := refuse(t, db.URL, []string{"--tables", early + ",parent"}); len(one.Problems) != 1 || !strings.Contains(one.Problems[0].Table, early) {
			t.Errorf("%s: %+v", early, one)
		}
		if r := command(db.URL, "up", "--schema", zoo.EdgeSchema, "--skip-refused"); r.cmd.Run() != nil {
			t.Fatal(&r.output)
		}
		expected, err := zoo.ExpectedEdges(c.Major)
		if err != nil {
			t.Fatal(err)
		}
		refused := slices.DeleteFunc(expected, func(e zoo.ExpectedEdge) bool { return e.State == "pending" || e.Table == early })
		before := everything(t, conn)
		all := refuse(t, db.URL, nil)
		if len(all.Problems) < len(refused) {
			t.Errorf("%d problems, want one for each of %d references: %+v", len(all.Problems), len(refused), all.Problems)
		}
		if long() {
			for _, e := range refused {
				one := refuse(t, db.URL, []string{"--tables", e.Table})
				if len(one.Problems) == 0 || !strings.Contains(one.Problems[0].Table, e.Table) {
					t.Errorf("%s.%s: %+v", e.Table, e.Column, one)
				}
			}
		}
		if diff := cmp.Diff(before, everything(t, conn)); diff != "" {
			t.Errorf("a refused run changed something (-before +after)\n%s", diff)
		}
		t.Logf("acceptance 11: PostgreSQL %d: %d references refused, each with exit code %d, and nothing changed", c.Major, len(refused), exitRefused)
	})
}

// refuse runs up to the phase linked, which must refuse.
func refuse(t *testing.T, url string, words []string) refusal {
	t.Helper()
	return refused(t, url, append([]string{"up", "--schema", zoo.EdgeSchema, "--to", "linked", "--json"}, words...))
}

// refused runs a command that must refuse, with --json.
func refused(t *testing.T, url string, words []string) (last refusal) {
	t.Helper()
	r := command(url, words...)
	err := r.cmd.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	lines := strings.Split(strings.TrimSpace(r.output.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatalf("%v: %s", err, &r.output)
	}
	if !ok || exit.ExitCode() != exitRefused || last.Exit != exitRefused {
		t.Errorf("%q: %v, want exit code %d: %.500s", words, err, exitRefused, lines[len(lines)-1])
	}
	for _, p := range last.Problems {
		if p.Message == "" || p.Detail == "" || p.Hint == "" {
			t.Errorf("%q: %+v", words, p)
		}
	}
	return last
}

// everything returns the fingerprints of both schemas of the zoo.
func everything(t *testing.T, conn *pgx.Conn) (lines []string) {
	t.Helper()
	for _, schema := range []string{zoo.EdgeSchema, zoo.NeighbourSchema} {
		found, err := steptest.Fingerprint(t.Context(), conn, schema, "")
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, found...)
	}
	return lines
}
