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

// each runs statements as a migrator does: each as one simple query, and in a session of its own, since
// nothing says that it is the same.
func (h *house) each(statements []string) error {
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

// message is the server's own word, without the statement, which may hold the same; "" without an error.
func message(err error) string {
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) {
		return ""
	}
	return refusal.Message
}

// migrations sorts golang-migrate's files into the two ways, each in the order in which it runs them.
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

// sections reads goose's file as goose does: its own comments, and what stands between them.
func sections(t *testing.T, files []rekey.ScriptFile) (up, down []string) {
	t.Helper()
	if len(files) != 1 || !strings.HasPrefix(files[0].Text, "-- +goose NO TRANSACTION\n") {
		t.Fatalf("%d files, or a transaction around it", len(files))
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
				t.Errorf("outside of a statement: %s", line)
			}
		}
	}
	return up, down
}

// modules reads Ecto's file: what each way executes.
func modules(t *testing.T, files []rekey.ScriptFile) (up, down []string) {
	t.Helper()
	if len(files) != 1 || !strings.HasSuffix(files[0].Name, ".exs") {
		t.Fatalf("%d files", len(files))
	}
	for _, attribute := range []string{"\n  use Ecto.Migration\n", "\n  @disable_ddl_transaction true\n", "\n  @disable_migration_lock true\n"} {
		if !strings.Contains(files[0].Text, attribute) {
			t.Errorf("no line %q", attribute)
		}
	}
	forth, back, _ := strings.Cut(files[0].Text, "\n  def down do\n")
	return executed(t, forth), executed(t, back)
}

// executed reads the literals behind execute as Elixir does: heredocs, and strings with escapes.
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
			t.Errorf("read as no statement: %s", line)
		}
	}
	return all
}

// What a migrator runs ends as up and down do, cut anywhere and begun again at the statement that was cut,
// and leaves nothing of its own.
func TestMigratorsEndAsUpDoes(t *testing.T) {
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
				half := halves()["a column with values, a comment and a default"]
				h.state(half)
				ran.state(half)
				before := ran.shape()
				up, down := read(t, h.files(40, format))
				h.run(up)
				mustUp(t, ran)
				same(t, h, ran)
				h.tidy()
				h.run(down)
				if got, want := without(h.shape(), "function "), without(before, "function "); !cmp.Equal(got, want) {
					t.Errorf("there and back is not where it began\n%s", cmp.Diff(want, got))
				}
				h.tidy()
				forth, back := read(t, ran.files(39, format))
				if len(back) > 0 {
					t.Errorf("a way back from the way back: %q", back)
				}
				ran.run(forth)
				same(t, ran, h)
			})
		}
	})
}

// run runs the statements, each of them twice: a statement whose success a migrator never heard of is run
// again.
func (h *house) run(statements []string) {
	h.t.Helper()
	const least = 10
	if len(statements) < least {
		h.t.Errorf("%d statements", len(statements))
	}
	for _, sql := range statements {
		if err := h.each([]string{sql, sql}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) tidy() {
	h.t.Helper()
	left := h.one("SELECT string_agg(proname, ', ') IS NULL FROM pg_proc WHERE proname LIKE 'rekey%'")
	schema := h.one("SELECT to_regnamespace('rekey') IS NULL")
	if left != "true" || schema != "true" {
		h.t.Error("procedures, or their schema, are left")
	}
}

// A leftover of a build that was cut short is dropped before the index is built, and the session's own
// timeouts are refused before anything is changed.
func TestMigratorAfterABrokenBuild(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		up, _ := migrations(t, h.files(40, rekey.ScriptMigrate))
		h.do("ALTER ROLE CURRENT_USER IN DATABASE " + pgx.Identifier{h.one("SELECT current_database()")}.Sanitize() + " SET statement_timeout = '5min'")
		if err := h.each(up[:2]); !strings.Contains(message(err), "the session has a timeout") {
			t.Errorf("a statement_timeout: %v", err)
		}
		h.do("ALTER ROLE CURRENT_USER IN DATABASE " + pgx.Identifier{h.one("SELECT current_database()")}.Sanitize() + " RESET ALL")
		build := slices.IndexFunc(up, func(sql string) bool { return strings.Contains(sql, "CREATE UNIQUE INDEX CONCURRENTLY") })
		if err := h.each(up[:build+1]); err != nil {
			t.Fatal(err)
		}
		h.do("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'phoenix_kit_users_uuid_idx'::regclass")
		if err := h.each(up[build-1:]); err != nil {
			t.Fatal(err)
		}
		h.verified()
	})
}
