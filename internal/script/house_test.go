package script_test

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step/steptest"
	"github.com/rekey-pg/rekey/phoenixkit"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// awkward is a schema's name that must be quoted everywhere.
const awkward = `Auth-Kit "x"`

// some are those of the 33 tables that a small house has.
const some = "phoenix_kit_users phoenix_kit_users_tokens"

// house is a database with PhoenixKit 39 and rows.
type house struct {
	t      *testing.T
	url    string
	prefix string
	pool   *pgxpool.Pool
}

// newest tells of the newest version that is tested: what hardly differs between versions is tested there
// in full.
func newest(t *testing.T, c *server.Cluster) bool {
	t.Helper()
	majors := servertest.Versions(t)
	return servertest.Cluster(t, majors[len(majors)-1]) == c
}

// build copies a template: the whole of PhoenixKit, or a small house.
func build(t *testing.T, c *server.Cluster, prefix string, whole bool) *house {
	t.Helper()
	name := "script"
	if prefix != "public" {
		name += "_awkward"
	}
	if whole {
		name += "_whole"
	}
	template := servertest.Template(t, c, name, func(url string) error { return furnish(url, prefix, whole) })
	return open(t, c, prefix, template)
}

// open makes a database, empty or a copy.
func open(t *testing.T, c *server.Cluster, prefix string, template ...string) *house {
	t.Helper()
	url := servertest.Database(t, c, template...).URL
	return &house{t: t, url: url, prefix: prefix, pool: servertest.Pool(t, url)}
}

func furnish(url, prefix string, whole bool) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := fixture.Install(ctx, conn, prefix); err != nil {
		return err
	}
	if !whole {
		drop := sqltext.Format(`SET client_min_messages = warning; DO $$DECLARE name name; BEGIN
			FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = {} AND tablename <> ALL (string_to_array({}, ' ')) LOOP
				EXECUTE format('DROP TABLE %I.%I CASCADE', {}, name);
			END LOOP; END$$`, sqltext.Value(prefix), sqltext.Value(some+" phoenix_kit oban_jobs"), sqltext.Value(prefix))
		if _, err := conn.PgConn().Exec(ctx, drop).ReadAll(); err != nil {
			return err
		}
	}
	return fixture.Seed(ctx, conn, prefix, fixture.Size{Users: 700, Events: 900, Others: 30})
}

func (h *house) do(sql string) {
	h.t.Helper()
	if _, err := h.pool.Exec(context.WithoutCancel(h.t.Context()), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
}

func (h *house) one(sql string) (value string) {
	h.t.Helper()
	if err := h.pool.QueryRow(h.t.Context(), "SELECT ("+sql+")::text").Scan(&value); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
	return value
}

// on writes a statement's %s as a table of the house.
func (h *house) on(sql, table string) string {
	return strings.ReplaceAll(sql, "%s", sqltext.Qualified(h.prefix, table))
}

func (h *house) config(version int) rekeytest.Setup {
	setup := rekeytest.Setup{Scope: phoenixkit.Profile().In(h.prefix), Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
	if version == phoenixkit.Profile().From {
		setup.Direction = rekey.Down
	}
	return setup
}

// files gives a script's files.
func (h *house) files(version int, format rekey.ScriptFormat) []rekey.ScriptFile {
	h.t.Helper()
	files, err := rekeytest.Script(h.t.Context(), h.pool, h.config(version), format)
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// script gives the text of psql's.
func (h *house) script(version int) string {
	h.t.Helper()
	files := h.files(version, rekey.ScriptPsql)
	if len(files) != 1 {
		h.t.Fatalf("%d files", len(files))
	}
	return files[0].Text
}

// command is a psql that reads a script.
func (h *house) command(script string) *exec.Cmd {
	h.t.Helper()
	psql, err := server.Psql()
	if err != nil {
		servertest.SkipWithout(h.t, err.Error())
	}
	cmd := exec.CommandContext(h.t.Context(), psql, "-X", "-q", "-f", "-", h.url)
	cmd.Stdin = strings.NewReader(script)
	return cmd
}

// psql runs a script and gives what was said.
func (h *house) psql(script string) (string, error) {
	h.t.Helper()
	output, err := h.command(script).CombinedOutput()
	return string(output), err
}

func (h *house) mustPsql(script string) string {
	h.t.Helper()
	said, err := h.psql(script)
	if err != nil {
		h.t.Fatalf("psql: %v\n%s", err, said)
	}
	return said
}

// everything is a fingerprint of the schema's catalogue.
func (h *house) everything() []string {
	h.t.Helper()
	lines, err := steptest.Everything(h.t.Context(), h.pool, h.prefix)
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// shape is everything without what the rows hold: two fillings never give the same values.
func (h *house) shape() []string {
	h.t.Helper()
	lines := slices.DeleteFunc(h.everything(), func(line string) bool {
		return line == "schema rekey" // up makes it for its journal
	})
	for i, line := range lines {
		if rows, _, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(line, "rows of ") {
			count, _, _ := strings.Cut(strings.TrimPrefix(line, rows+": "), " ")
			lines[i] = rows + ": " + count
		}
	}
	return lines
}

// same expects two houses with the same catalogue.
func same(t *testing.T, got, want *house) {
	t.Helper()
	if diff := cmp.Diff(want.shape(), got.shape()); diff != "" {
		t.Errorf("the script left another catalogue (+) than rekey itself (-)\n%s", diff)
	}
}

// whole expects what up leaves: the recorded catalogue of 40, and nothing for verify to find.
func (h *house) whole(version int, absent ...fixture.Option) {
	h.t.Helper()
	found, err := fixture.Compare(h.t.Context(), h.pool, h.prefix, version, absent...)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, difference := range found {
		h.t.Error(difference)
	}
	h.verified()
}

func (h *house) verified() {
	h.t.Helper()
	if _, err := rekeytest.Verify(h.t.Context(), h.pool, h.config(40)); err != nil {
		h.t.Errorf("verify: %v", err)
	}
}
