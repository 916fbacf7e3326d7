package rehearse

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { servertest.Main(m) }

//go:embed testdata/mixed.sql
var mixed string

// source returns a database with the schema mixed on the newest version that a pg_dump here can read, and a request to rehearse it.
func source(t *testing.T) (Request, int) {
	t.Helper()
	majors := servertest.Versions(t)
	for _, major := range slices.Backward(majors) {
		if _, err := findDump(t.Context(), major, os.Getenv); err != nil {
			continue
		}
		pool := servertest.Pool(t, servertest.Database(t, servertest.Cluster(t, major)).URL)
		servertest.Execute(t, pool, mixed)
		bin, err := server.Find(t.Context(), major)
		if err != nil {
			t.Fatal(err)
		}
		return Request{
			Source: pool, Schema: "mixed", Scope: rekey.Schema{Name: "mixed"}, Options: rekey.Options{To: rekey.Linked, Backfill: rekey.BackfillOptions{Pace: rekey.PaceFull}},
			Share: 0.2, Rest: 100 * time.Millisecond, Say: func(string) {},
			Getenv: func(name string) string {
				if name == "REKEY_PG_BIN" {
					return bin.Bin
				}
				return os.Getenv(name)
			},
			Connect: func(ctx context.Context, url string) (*pgxpool.Pool, error) {
				config, err := pgxpool.ParseConfig(url)
				if err != nil {
					return nil, err
				}
				config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
				return pgxpool.NewWithConfig(ctx, config)
			},
		}, major
	}
	servertest.SkipWithout(t, "no pg_dump that can read one of the versions is installed (Debian: apt-get install postgresql-client)")
	return Request{}, 0
}

func fingerprint(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	lines, err := steptest.FullFingerprint(t.Context(), pool, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// A whole rehearsal on a throw-away server: foreign keys, one of them onto the own table, a generated and an identity column, a trigger and
// a partitioned table. The sample is closed under its foreign keys, down restores the schema, and the source is as before.
func TestRehearsal(t *testing.T) {
	request, _ := source(t)
	before := fingerprint(t, request.Source)
	result, err := Run(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if !result.OK || len(result.LeftOut) > 0 || len(result.Differences) > 0 || result.Parents == 0 || result.ExpectedUp <= 0 || result.Rows < result.Parents || result.Rows >= result.SourceRows {
		t.Errorf("%+v", result)
	}
	if len(result.Parts) != 4 || len(result.Entries) < 10 || result.Verified == nil || !result.Verified.OK {
		t.Errorf("%d parts, %d events, verified %v", len(result.Parts), len(result.Entries), result.Verified)
	}
	for _, p := range result.Parts {
		if p.Statements == 0 || len(p.Errors) > 0 {
			t.Errorf("%s: %+v", p.Name, p)
		}
	}
	if diff := cmp.Diff(before, fingerprint(t, request.Source)); diff != "" {
		t.Errorf("the source was changed: %s", diff)
	}
}

// On a server that is named, the database of the rehearsal is dropped also when the rehearsal is interrupted, and kept with Keep. The
// server of the source, a superuser and an older server are refused.
func TestRehearsalOnANamedServer(t *testing.T) {
	request, major := source(t)
	majors := servertest.Versions(t)
	other := 0
	for _, m := range majors {
		if _, err := findDump(t.Context(), m, os.Getenv); m < major && err == nil {
			other = m
		}
	}
	if other == 0 {
		t.Skip("REKEY_PG_VERSIONS has one version that pg_dump here can read")
	}
	// The source is on the older one.
	cluster := servertest.Cluster(t, major)
	request.Source = servertest.Pool(t, servertest.Database(t, servertest.Cluster(t, other)).URL)
	servertest.Execute(t, request.Source, mixed)
	admin := servertest.Pool(t, cluster.URL("postgres"))
	servertest.Execute(t, admin, "CREATE ROLE rehearsal LOGIN CREATEDB")
	databases := func() (n int) {
		if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'rekey\\_rehearsal\\_%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	marked := func() (n int) {
		if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE shobj_description(oid, 'pg_database') = $1", ownMark).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for code, url := range map[string]string{"scratch_rights": cluster.URL("postgres"), "scratch_is_source": servertest.Cluster(t, other).URL("postgres")} {
		request.Server = url
		_, err := Run(t.Context(), request)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != code || p.Kind != problem.Refused || p.Hint == "" || databases() != 0 {
			t.Errorf("%s: %v, %d databases", code, err, databases())
		}
	}
	request.Server = strings.Replace(cluster.URL("postgres"), "postgres@", "rehearsal@", 1)
	ctx, cancel := context.WithCancel(t.Context())
	request.Say = func(line string) {
		if line == "up" {
			if databases() != 1 || marked() != 1 {
				t.Error("there is no scratch database that a later rehearsal may drop")
			}
			cancel()
		}
	}
	if _, err := Run(ctx, request); !errors.Is(err, context.Canceled) && !errors.Is(err, problem.ErrInterrupted) || databases() != 0 {
		t.Errorf("interrupted: %v, %d databases", err, databases())
	}
	request.Say, request.Keep, request.Share = func(string) {}, true, 1
	result, err := Run(t.Context(), request)
	if err != nil || !result.OK || !result.Kept || databases() != 1 || marked() != 0 || result.Parents != 0 {
		t.Errorf("kept: %v, %+v, %d databases", err, result, databases())
	}
	servertest.Execute(t, admin, "DROP DATABASE "+result.Database+" WITH (FORCE)")
	servertest.Execute(t, admin, "DROP ROLE rehearsal")
}
