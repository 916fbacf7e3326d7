package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"
)

// said is a command's JSON for problems: the last event of up, a plan, or a document of problems only.
type said struct {
	FormatVersion      int `json:"format_version"`
	OK                 bool
	Exit               int
	Problems, Refusals []struct{ Kind, Code, Message, Detail, Hint string }
}

// bad EXIT CODES WORDS ... runs up, plan and sql with wrong arguments. Each must end with the exit code and the
// problems with these codes, each with a message, a detail and a hint, as text and as an object. The database must not
// change.
func bad(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	codes, words := strings.Split(args[1], ","), args[2:]
	before := catalogue(ts)
	for _, command := range [][]string{{"plan"}, {"sql", "up"}, {"up"}} {
		call := slices.Concat(command, words)
		object := object(ts, want, call)
		var got []string
		for _, p := range slices.Concat(object.Problems, object.Refusals) {
			got = append(got, p.Code)
			if p.Message == "" || p.Detail == "" || p.Hint == "" || p.Kind != map[int]string{2: "usage", 4: "refused"}[want] {
				ts.Fatalf("%v: %+v", call, p)
			}
		}
		if !slices.Equal(got, codes) || object.FormatVersion != 2 || object.OK || command[0] == "up" && object.Exit != want {
			ts.Fatalf("%v: %v, want %v; %+v", call, got, codes, object)
		}
		text(ts, want, call, object)
	}
	if catalogue(ts) != before {
		ts.Fatalf("%v changed something", words)
	}
}

// object runs a command with --json and reads the last line of NDJSON, or the document.
func object(ts *testscript.TestScript, want int, call []string) (object said) {
	if got := code(ts, ts.Exec("rekey", append(call, "--json")...)); got != want {
		ts.Fatalf("%v ended with %d, want %d", call, got, want)
	}
	if stderr := ts.ReadFile("stderr"); stderr != "" {
		ts.Fatalf("%v --json wrote beside it: %s", call, stderr)
	}
	words := strings.TrimSpace(ts.ReadFile("stdout"))
	if !strings.HasPrefix(words, "{\n") {
		words = words[strings.LastIndex(words, "\n")+1:]
	}
	ts.Check(json.Unmarshal([]byte(words), &object))
	return object
}

// text runs a command, which must print each problem of the object once.
func text(ts *testscript.TestScript, want int, call []string, object said) {
	if got := code(ts, ts.Exec("rekey", call...)); got != want {
		ts.Fatalf("%v ended with %d, want %d", call, got, want)
	}
	words := strings.Join(strings.Fields(ts.ReadFile("stdout")+ts.ReadFile("stderr")), " ")
	for _, p := range slices.Concat(object.Problems, object.Refusals) {
		for _, part := range []string{"ERROR: " + p.Message, "DETAIL: " + p.Detail, "HINT: " + p.Hint} {
			if !strings.Contains(words, strings.Join(strings.Fields(part), " ")) {
				ts.Fatalf("%v does not say: %s", call, part)
			}
		}
		if n := strings.Count(words, "ERROR: "+p.Message+" "); n != count(object, p.Message) {
			ts.Fatalf("%v says %d times: %s", call, n, p.Message)
		}
	}
}

// count returns the number of problems with a message.
func count(object said, message string) (n int) {
	for _, p := range slices.Concat(object.Problems, object.Refusals) {
		if p.Message == message {
			n++
		}
	}
	return n
}

// catalogue returns the transactions that last wrote the rows of the catalogue.
func catalogue(ts *testscript.TestScript) (sum string) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, ts.Getenv("REKEY_DATABASE_URL"))
	ts.Check(err)
	defer conn.Close(ctx)
	ts.Check(conn.QueryRow(ctx, `SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
		SELECT 'a' || attrelid || attname || xmin AS line FROM pg_attribute UNION ALL SELECT 'c' || oid || relname FROM pg_class
		UNION ALL SELECT 'n' || oid || xmin FROM pg_namespace UNION ALL SELECT 'p' || oid || xmin FROM pg_proc
		UNION ALL SELECT 'd' || objoid || objsubid || xmin FROM pg_description UNION ALL SELECT 'k' || oid || xmin FROM pg_constraint
		UNION ALL SELECT 'i' || indexrelid || xmin FROM pg_index) catalogue`).Scan(&sum))
	return sum
}
