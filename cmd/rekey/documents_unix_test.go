//go:build unix

package main

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//nolint:gochecknoglobals // a flag of the test program
var update = flag.Bool("update", false, "write the output of the commands into the documents")

const top = "../.."

// TestConsoleBlocks runs the commands in the ```console blocks of every document, in order, on a database of its own,
// and compares what they print; -update writes it. A document with the comment "database: phoenixkit" gets PhoenixKit
// 39, any other the shop of docs/tutorials/shop.sql.
func TestConsoleBlocks(t *testing.T) {
	majors := servertest.Versions(t)
	cluster := servertest.Cluster(t, majors[len(majors)-1])
	psql, err := server.Psql()
	if err != nil {
		servertest.SkipWithout(t, err.Error())
	}
	path := filepath.Dir(psql) + string(os.PathListSeparator) + os.Getenv("PATH")
	templates := map[string]string{
		"shop":       servertest.Template(t, cluster, "shop", openShop),
		"phoenixkit": servertest.Template(t, cluster, "script39", install),
	}
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !console.Match(text) {
			continue
		}
		name := "shop"
		if strings.Contains(string(text), "<!-- database: phoenixkit -->") {
			name = "phoenixkit"
		}
		t.Run(strings.TrimPrefix(filepath.ToSlash(file), top+"/"), func(t *testing.T) {
			// The database has the name that the documents show, so only one exists at a time.
			onServer(t, cluster.URL("postgres"), sqltext.Format("CREATE DATABASE {} TEMPLATE {}", sqltext.Name(name), sqltext.Name(templates[name])))
			defer onServer(t, cluster.URL("postgres"), sqltext.Format("DROP DATABASE {} WITH (FORCE)", sqltext.Name(name)))
			dir := t.TempDir()
			got := console.ReplaceAllStringFunc(string(text), func(block string) string {
				return "```console\n" + runBlock(t, dir, path, cluster.URL(name), console.FindStringSubmatch(block)[1]) + "```\n"
			})
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(withoutFigures(string(text)), withoutFigures(got)); diff != "" {
				t.Errorf("the commands print something else; if that is meant: go test ./cmd/rekey -run ConsoleBlocks -update\n%s", diff)
			}
		})
	}
}

var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```\n")

// documents returns the files that are written in Markdown.
func documents(t *testing.T) []string {
	t.Helper()
	all := []string{filepath.Join(top, "README.md")}
	err := filepath.WalkDir(filepath.Join(top, "docs"), func(name string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".md") {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// runBlock runs every line that begins with "$ " and returns the lines with what each printed.
func runBlock(t *testing.T, dir, path, url, block string) string {
	t.Helper()
	var printed strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		shell := exec.CommandContext(ctx, "sh", "-c", command)
		shell.Dir = dir
		shell.Env = append(os.Environ(), "PATH="+path, "DATABASE_URL="+url, "REKEY_DATABASE_URL=", "PGPASSFILE="+filepath.Join(dir, "pgpass"))
		output, _ := shell.CombinedOutput() // documents show failures, too
		cancel()
		printed.WriteString(line + progress.ReplaceAllString(string(output), ""))
	}
	return printed.String()
}

// progress matches the lines that a long backfill prints now and then: how far it is, and what the application feels.
var progress = regexp.MustCompile(`(?m)^.*( rows, \d+%|: commits \d|^(slowed|full speed)).*\n`)

// withoutFigures replaces what differs from run to run: durations, sizes, versions, uuids and the width of columns.
func withoutFigures(text string) []string {
	for pattern, with := range map[string]string{
		`<?\d[\d.,]*\s?(µs|ms|s|min)\b`:             "DURATION",
		`\d[\d.]* [kMG]B\b`:                         "SIZE",
		`PostgreSQL \d+(\.\d+)?`:                    "PostgreSQL N",
		`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?`:         "TIME",
		`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`: "UUID",
		`\b\d+%`: "N%",
		` +`:     " ",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	return strings.Split(text, "\n")
}

func onServer(t *testing.T, url, sql string) {
	t.Helper()
	pool := servertest.Pool(t, url)
	defer pool.Close()
	servertest.Execute(t, pool, sql)
}

// openShop fills the template of the tutorials' database.
func openShop(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	sql, err := os.ReadFile(filepath.Join(top, "docs", "tutorials", "shop.sql"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, string(sql))
	return err
}
