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

// awkward is a schema name that must be quoted everywhere.
const awkward = `Auth-Kit "x"`

// smallTables are the tables that a small copy of PhoenixKit has.
const smallTables = "phoenix_kit_users phoenix_kit_users_tokens"

// database is a test's database with PhoenixKit 39 and rows.
type database struct {
	t      *testing.T
	url    string
	prefix string
	pool   *pgxpool.Pool
}

// newest reports whether the cluster has the newest version under test. Behaviour that hardly differs between versions
// is tested in full on that version only.
func newest(t *testing.T, c *server.Cluster) bool {
	t.Helper()
	majors := servertest.Versions(t)
	return servertest.Cluster(t, majors[len(majors)-1]) == c
}

// build copies a template: all of PhoenixKit, or a small copy.
func build(t *testing.T, c *server.Cluster, prefix string, full bool) *database {
	t.Helper()
	name := "script"
	if prefix != "public" {
		name += "_awkward"
	}
	if full {
		name += "_full"
	}
	template := servertest.Template(t, c, name, func(url string) error { return fillTemplate(url, prefix, full) })
	return open(t, c, prefix, template)
}

// open creates a database, empty or copied from a template.
func open(t *testing.T, c *server.Cluster, prefix string, template ...string) *database {
	t.Helper()
	url := servertest.Database(t, c, template...).URL
	return &database{t: t, url: url, prefix: prefix, pool: servertest.Pool(t, url)}
}

func fillTemplate(url, prefix string, full bool) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := fixture.Install(ctx, conn, prefix); err != nil {
		return err
	}
	if !full {
		drop := sqltext.Format(`SET client_min_messages = warning; DO $$DECLARE name name; BEGIN
			FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = {} AND tablename <> ALL (string_to_array({}, ' ')) LOOP
				EXECUTE format('DROP TABLE %I.%I CASCADE', {}, name);
			END LOOP; END$$`, sqltext.Value(prefix), sqltext.Value(smallTables+" phoenix_kit oban_jobs"), sqltext.Value(prefix))
		if _, err := conn.PgConn().Exec(ctx, drop).ReadAll(); err != nil {
			return err
		}
	}
	return fixture.Seed(ctx, conn, prefix, fixture.Size{Users: 700, Events: 900, Others: 30})
}

func (h *database) exec(sql string) {
	h.t.Helper()
	if _, err := h.pool.Exec(context.WithoutCancel(h.t.Context()), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
}

func (h *database) query(sql string) (value string) {
	h.t.Helper()
	if err := h.pool.QueryRow(h.t.Context(), "SELECT ("+sql+")::text").Scan(&value); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
	return value
}

// on replaces each %s in a statement by a table of the schema.
func (h *database) on(sql, table string) string {
	return strings.ReplaceAll(sql, "%s", sqltext.Qualified(h.prefix, table))
}

func (h *database) config(version int) rekeytest.Setup {
	setup := rekeytest.Setup{Scope: phoenixkit.Profile().In(h.prefix), Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
	if version == phoenixkit.Profile().From {
		setup.Direction = rekey.Down
	}
	return setup
}

// files makes a script and returns its files.
func (h *database) files(version int, format rekey.ScriptFormat) []rekey.ScriptFile {
	h.t.Helper()
	files, err := rekeytest.Script(h.t.Context(), h.pool, h.config(version), format)
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// script makes a script for psql and returns its text.
func (h *database) script(version int) string {
	h.t.Helper()
	files := h.files(version, rekey.ScriptPsql)
	if len(files) != 1 {
		h.t.Fatalf("%d files, want 1", len(files))
	}
	return files[0].Text
}

// command returns a psql that reads the script.
func (h *database) command(script string) *exec.Cmd {
	h.t.Helper()
	psql, err := server.Psql()
	if err != nil {
		servertest.SkipWithout(h.t, err.Error())
	}
	cmd := exec.CommandContext(h.t.Context(), psql, "-X", "-q", "-f", "-", h.url)
	cmd.Stdin = strings.NewReader(script)
	return cmd
}

// psql runs a script and returns its output.
func (h *database) psql(script string) (string, error) {
	h.t.Helper()
	output, err := h.command(script).CombinedOutput()
	return string(output), err
}

func (h *database) mustPsql(script string) string {
	h.t.Helper()
	output, err := h.psql(script)
	if err != nil {
		h.t.Fatalf("psql: %v\n%s", err, output)
	}
	return output
}

// fingerprint returns a fingerprint of the schema's catalogue.
func (h *database) fingerprint() []string {
	h.t.Helper()
	lines, err := steptest.FullFingerprint(h.t.Context(), h.pool, h.prefix)
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// shape is everything without the values of rows, which differ between two runs.
func (h *database) shape() []string {
	h.t.Helper()
	lines := slices.DeleteFunc(h.fingerprint(), func(line string) bool {
		return line == "schema rekey" // up creates it for the journal
	})
	for i, line := range lines {
		if rows, _, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(line, "rows of ") {
			count, _, _ := strings.Cut(strings.TrimPrefix(line, rows+": "), " ")
			lines[i] = rows + ": " + count
		}
	}
	return lines
}

// same compares the catalogues of two databases.
func same(t *testing.T, got, want *database) {
	t.Helper()
	if diff := cmp.Diff(want.shape(), got.shape()); diff != "" {
		t.Errorf("the script's catalogue (+) differs from rekey's (-)\n%s", diff)
	}
}

// complete compares the catalogue with the recorded one of version 40, and runs verify.
func (h *database) complete(version int, absent ...fixture.Option) {
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

func (h *database) verified() {
	h.t.Helper()
	if _, err := rekeytest.Verify(h.t.Context(), h.pool, h.config(40)); err != nil {
		h.t.Errorf("verify: %v", err)
	}
}
