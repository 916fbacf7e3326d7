package main

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestMain lets this test binary be rekey when a script runs it under that name. The servers end with the process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rekey": main})
}

const scripts = "../../testdata/script"

// timeout bounds limits each wait, so that a failing test ends.
const timeout = 5 * time.Minute

// TestScripts runs the scenarios that need no server.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: scripts, Cmds: commands(), RequireExplicitExec: true, Setup: quietly})
}

// TestServerScripts runs the scenarios that find PhoenixKit 39, with rows, in REKEY_DATABASE_URL. The output does not
// depend on the server's version, so the newest one is enough; other tests run on each version.
func TestServerScripts(t *testing.T) {
	majors := servertest.Versions(t)
	cluster := servertest.Cluster(t, majors[len(majors)-1])
	template := servertest.Template(t, cluster, "script39", install)
	files, err := filepath.Glob(filepath.Join(scripts, "server", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			made := servertest.Database(t, cluster, template)
			url := made.URL
			testscript.Run(t, testscript.Params{
				Files: []string{file}, Cmds: commands(), RequireExplicitExec: true,
				Setup: func(env *testscript.Env) error {
					env.Setenv("REKEY_DATABASE_URL", url)
					env.Setenv("PORT", port(t, url))
					env.Setenv("DATABASE", made.Name)
					return quietly(env)
				},
			})
		})
	}
}

// quietly gives every script the same environment: no terminal's width, no password file.
func quietly(env *testscript.Env) error {
	env.Setenv("PGPASSFILE", filepath.Join(env.WorkDir, "pgpass"))
	env.Setenv("PGSERVICEFILE", filepath.Join(env.WorkDir, "services"))
	env.Setenv("PGCONNECT_TIMEOUT", "60")
	return nil
}

// port returns the port of a URL on the loopback address.
func port(t *testing.T, url string) string {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(int(config.Port))
}

// install fills the template database.
func install(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := fixture.Install(ctx, conn, "public"); err != nil {
		return err
	}
	return fixture.Seed(ctx, conn, "public", fixture.Size{Users: 300, Events: 900})
}
