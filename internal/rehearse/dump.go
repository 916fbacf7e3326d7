package rehearse

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/scratch"
	"github.com/rekey-pg/rekey/internal/visible"
)

// findDump returns the first pg_dump in PATH, or in the usual directories, that is not older than the server.
func findDump(ctx context.Context, major int, getenv func(string) string) (string, error) {
	dirs := filepath.SplitList(getenv("PATH"))
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is valid
	for _, dir := range append(dirs, found...) {
		program := filepath.Join(dir, "pg_dump")
		if version, err := scratch.MajorOf(ctx, program); err == nil && version >= major {
			return program, nil
		}
	}
	return "", message.NoDump(major)
}

// dump runs pg_dump. Connection settings are in the environment, so that no password is in the arguments.
func dump(ctx context.Context, program string, at *pgx.ConnConfig, schema string, arguments ...string) (string, error) {
	arguments = append([]string{
		"--schema-only", "--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions", "--no-security-labels", "--no-tablespaces",
		"--lock-wait-timeout=5000", "--no-password", "--schema=" + pattern(schema),
	}, arguments...)
	cmd := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // the user's own pg_dump
	cmd.Env = environment(at)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(problems.String()), "\n")
		return "", message.DumpFailed(visible.Line(first))
	}
	return out.String(), nil
}

// pattern returns a schema's name as a pattern of pg_dump that matches nothing else.
func pattern(schema string) string { return `"` + strings.ReplaceAll(schema, `"`, `""`) + `"` }

// environment returns this process's environment with the settings of a connection in libpq's variables.
func environment(at *pgx.ConnConfig) []string {
	own := map[string]string{
		"PGHOST": at.Host, "PGPORT": strconv.Itoa(int(at.Port)), "PGUSER": at.User, "PGPASSWORD": at.Password, "PGDATABASE": at.Database, "PGOPTIONS": "",
		"PGAPPNAME": "rekey rehearse",
	}
	for _, name := range []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"} {
		if value := stringSetting(at.ConnString(), name); value != "" {
			own["PG"+strings.ToUpper(strings.ReplaceAll(name, "_", ""))] = value
		}
	}
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		_, replaced := own[name]
		return replaced || name == "PGSERVICE"
	})
	for name, value := range own {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// stringSetting returns a setting of a connection string, a URL or key=value pairs.
func stringSetting(text, name string) string {
	if link, err := url.Parse(text); err == nil && link.Scheme != "" {
		return link.Query().Get(name)
	}
	found := regexp.MustCompile(`(?:^|\s)` + name + `\s*=\s*('[^']*'|\S+)`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return strings.Trim(found[1], "'")
}

// entry is one object of a dump with its statements.
type entry struct {
	name, kind string
	sql        string
}

var entryPattern = regexp.MustCompile(`(?m)^--\n-- Name: (.*); Type: ([A-Z ]+); Schema: .*\n--\n`)

// entries splits a dump. The first entry has the settings of the dump's session, and no kind. Lines for psql are left out.
func entries(text string) []entry {
	text = regexp.MustCompile(`(?m)^\\(un)?restrict .*\n`).ReplaceAllString(text, "")
	at := entryPattern.FindAllStringSubmatchIndex(text, -1)
	first := len(text)
	if len(at) > 0 {
		first = at[0][0]
	}
	all := []entry{{sql: text[:first]}}
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		all = append(all, entry{name: text[m[2]:m[3]], kind: text[m[4]:m[5]], sql: text[m[1]:end]})
	}
	return all
}

// restore runs the entries of a dump, each in a transaction of its own, and returns what could not be made: a line for each. An entry
// may depend on one that failed.
func restore(ctx context.Context, conn *pgx.Conn, text string) (left []string, err error) {
	for _, e := range entries(text) {
		_, failed := conn.PgConn().Exec(ctx, e.sql).ReadAll()
		switch {
		case failed == nil:
		case ctx.Err() != nil:
			return left, ctx.Err()
		case e.kind == "SCHEMA": // it exists: an extension needed it, or it is public
		case e.kind == "":
			return left, failed
		default:
			left = append(left, fmt.Sprintf("%s %s: %s", strings.ToLower(e.kind), visible.Line(e.name), visible.Error(failed)))
		}
	}
	return left, nil
}

var sessionPattern = regexp.MustCompile(`(?m)^SET default_.*;$`)

// statements returns the text of each entry of a dump by its kind and name, to compare two dumps. pg_dump writes settings of its session
// between entries.
func statements(text string) map[string]string {
	found := map[string]string{}
	text = sessionPattern.ReplaceAllString(text, "")
	for _, e := range entries(text)[1:] {
		key := strings.ToLower(e.kind) + " " + e.name
		found[key] += strings.TrimSpace(e.sql) + "\n"
	}
	return found
}

// differences returns the objects that differ between two dumps. The function of the defaults stays after down.
func differences(before, after string) (list []string) {
	old, now := statements(before), statements(after)
	for key, text := range old {
		switch other, exists := now[key]; {
		case !exists:
			list = append(list, key+" is missing")
		case other != text:
			list = append(list, key+" differs")
		}
	}
	for key := range now {
		if _, existed := old[key]; !existed && key != "function uuid_generate_v7()" {
			list = append(list, key+" remains")
		}
	}
	slices.Sort(list)
	return list
}
