package script_test

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// execEach runs every statement as a migrator may: as one simple query, and in a session of its own.
func (h *database) execEach(statements []string) error {
	for _, sql := range statements {
		conn, err := pgx.Connect(h.t.Context(), h.url)
		if err != nil {
			return err
		}
		_, err = conn.PgConn().Exec(h.t.Context(), sql).ReadAll()
		_ = conn.Close(h.t.Context())
		if err != nil {
			return fmt.Errorf("%w in %s", err, sql)
		}
	}
	return nil
}

// serverMessage returns the server's primary message, without the statement, which may contain the same text. It
// returns "" without an error.
func serverMessage(err error) string {
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) {
		return ""
	}
	return refusal.Message
}

// migrations sorts golang-migrate's files into the two directions, each in the order in which it runs them.
func migrations(t *testing.T, files []rekey.ScriptFile) (up, down []string) {
	t.Helper()
	byName := func(a, b rekey.ScriptFile) int { return strings.Compare(a.Name, b.Name) }
	for _, file := range slices.SortedFunc(slices.Values(files), byName) {
		switch {
		case strings.HasSuffix(file.Name, ".up.sql"):
			up = append(up, file.Text)
		case strings.HasSuffix(file.Name, ".down.sql"):
			down = append(down, file.Text)
		default:
			t.Errorf("file %s", file.Name)
		}
	}
	slices.Reverse(down)
	return up, down
}

// sections reads goose's file as goose does: its annotations, and the text between them.
func sections(t *testing.T, files []rekey.ScriptFile) (up, down []string) {
	t.Helper()
	if len(files) != 1 || !strings.HasPrefix(files[0].Text, "-- +goose NO TRANSACTION\n") {
		t.Fatalf("%d files, or NO TRANSACTION is missing", len(files))
	}
	way, inside := &up, false
	var text strings.Builder
	for lines := bufio.NewScanner(strings.NewReader(files[0].Text)); lines.Scan(); {
		switch line := lines.Text(); line {
		case "-- +goose NO TRANSACTION", "-- +goose Up":
		case "-- +goose Down":
			way = &down
		case "-- +goose StatementBegin":
			inside = true
		case "-- +goose StatementEnd":
			*way, inside = append(*way, text.String()), false
			text.Reset()
		default:
			if inside {
				text.WriteString(line + "\n")
			} else if line != "" && !strings.HasPrefix(line, "--") {
				t.Errorf("SQL outside of a statement: %s", line)
			}
		}
	}
	return up, down
}

// modules reads Ecto's file and returns what each direction executes.
func modules(t *testing.T, files []rekey.ScriptFile) (up, down []string) {
	t.Helper()
	if len(files) != 1 || !strings.HasSuffix(files[0].Name, ".exs") {
		t.Fatalf("%d files", len(files))
	}
	for _, attribute := range []string{"\n  use Ecto.Migration\n", "\n  @disable_ddl_transaction true\n", "\n  @disable_migration_lock true\n"} {
		if !strings.Contains(files[0].Text, attribute) {
			t.Errorf("the module lacks the line %q", attribute)
		}
	}
	forth, back, _ := strings.Cut(files[0].Text, "\n  def down do\n")
	return executed(t, forth), executed(t, back)
}

// executed reads the literals of execute as Elixir does: heredocs, and strings with escapes.
func executed(t *testing.T, way string) (all []string) {
	t.Helper()
	const begin, end = "    execute ~S\"\"\"\n", "    \"\"\"\n"
	var text *strings.Builder
	for line := range strings.Lines(way) {
		switch literal, isString := strings.CutPrefix(line, "    execute \""); {
		case text != nil && line == end:
			all, text = append(all, text.String()), nil
		case text != nil:
			text.WriteString(strings.TrimPrefix(line, "    "))
		case line == begin:
			text = &strings.Builder{}
		case isString:
			literal = strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\\`, `\`, `\#`, "#").Replace(strings.TrimSuffix(literal, "\"\n"))
			all = append(all, literal)
		case strings.Contains(line, "execute"):
			t.Errorf("not read as a statement: %s", line)
		}
	}
	return all
}

// The scripts of the migrator formats end like up and down, with each statement run twice, and leave nothing of their
// own.
func TestMigratorsEndLikeUp(t *testing.T) {
	readers := map[rekey.ScriptFormat]func(*testing.T, []rekey.ScriptFile) (up, down []string){
		rekey.ScriptMigrate: migrations, rekey.ScriptGoose: sections, rekey.ScriptEcto: modules,
	}
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for format, read := range readers {
			if format != rekey.ScriptMigrate && !newest(t, c) {
				continue
			}
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				h, ran := build(t, c, awkward, false), build(t, c, awkward, false)
				state := initialStates()["a column with values, a comment and a default"]
				h.setState(state)
				ran.setState(state)
				before := ran.shape()
				up, down := read(t, h.files(40, format))
				h.execTwice(up)
				mustUp(t, ran)
				same(t, h, ran)
				h.expectClean()
				h.execTwice(down)
				if got, want := without(h.shape(), "function "), without(before, "function "); !cmp.Equal(got, want) {
					t.Errorf("up and down did not restore the catalogue\n%s", cmp.Diff(want, got))
				}
				h.expectClean()
				forth, back := read(t, ran.files(39, format))
				if len(back) > 0 {
					t.Errorf("a down script contains a reverse direction: %q", back)
				}
				ran.execTwice(forth)
				same(t, ran, h)
			})
		}
	})
}

// execTwice runs each statement twice: a migrator that lost the answer runs a statement again.
func (h *database) execTwice(statements []string) {
	h.t.Helper()
	const least = 10
	if len(statements) < least {
		h.t.Errorf("only %d statements", len(statements))
	}
	for _, sql := range statements {
		if err := h.execEach([]string{sql, sql}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *database) expectClean() {
	h.t.Helper()
	left := h.query("SELECT string_agg(proname, ', ') IS NULL FROM pg_proc WHERE proname LIKE 'rekey%'")
	schema := h.query("SELECT to_regnamespace('rekey') IS NULL")
	if left != "true" || schema != "true" {
		h.t.Error("procedures or their schema are left")
	}
}

// A script drops an invalid index before it builds the index, and refuses a session with timeouts before it changes
// anything.
func TestMigratorDropsInvalidIndex(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		up, _ := migrations(t, h.files(40, rekey.ScriptMigrate))
		h.exec("ALTER ROLE CURRENT_USER IN DATABASE " + pgx.Identifier{h.query("SELECT current_database()")}.Sanitize() + " SET statement_timeout = '5min'")
		if err := h.execEach(up[:2]); !strings.Contains(serverMessage(err), "the session has a timeout") {
			t.Errorf("with statement_timeout: %v", err)
		}
		h.exec("ALTER ROLE CURRENT_USER IN DATABASE " + pgx.Identifier{h.query("SELECT current_database()")}.Sanitize() + " RESET ALL")
		build := slices.IndexFunc(up, func(sql string) bool { return strings.Contains(sql, "CREATE UNIQUE INDEX CONCURRENTLY") })
		if err := h.execEach(up[:build+1]); err != nil {
			t.Fatal(err)
		}
		h.exec("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'phoenix_kit_users_uuid_idx'::regclass")
		if err := h.execEach(up[build-1:]); err != nil {
			t.Fatal(err)
		}
		h.verified()
	})
}
