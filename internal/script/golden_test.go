package script

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

var update = flag.Bool("update", false, "rewrite the scripts under testdata") //nolint:gochecknoglobals // a flag of the test program

// linked returns a schema run to phase linked over two tables: app.notes.user_id refers to app.users.
func linked() plan.Input {
	s := plan.Input{
		Direction: plan.Up, Goal: plan.Linked, Scope: plan.Scope{},
		Server: catalog.Server{Version: 150018, VersionText: "15.18", Database: "data", Role: catalog.Role{Name: "own", CreateDatabase: true}},
		Schema: catalog.Schema{Name: "app", Exists: true, Usage: true, Create: true},
	}
	for i, name := range []string{"notes", "users"} {
		s.Schema.Relations = append(s.Schema.Relations, catalog.Table{
			OID: uint32(i + 1), Schema: "app", Name: name, Kind: catalog.Ordinary, Persistence: "p", ReplicaIdentity: "d", Owner: "own", Owned: true, Rows: 100, Attributes: 1,
			Columns: []catalog.Column{{Number: 1, Name: "id", Type: "bigint", Length: 8, Alignment: 8, NotNull: true}},
			Indexes: []catalog.Index{{
				OID: uint32(i + 101), Name: name + "_pkey", Columns: []string{"id"}, Unique: true, Immediate: true, Primary: true, Valid: true, Ready: true,
				Method: "btree", Constraint: name + "_pkey", Definition: "CREATE UNIQUE INDEX " + name + "_pkey ON app." + name + " USING btree (id)",
			}},
		})
	}
	notes, users := &s.Schema.Relations[0], &s.Schema.Relations[1]
	notes.Columns = append(notes.Columns, catalog.Column{Number: 2, Name: "user_id", Type: "bigint", Length: 8, Alignment: 8, NotNull: true})
	notes.Attributes = 2
	notes.Indexes = append(notes.Indexes, catalog.Index{
		OID: 110, Name: "notes_user_id_idx", Columns: []string{"user_id"}, Valid: true, Ready: true, Method: "btree",
		Definition: "CREATE INDEX notes_user_id_idx ON app.notes USING btree (user_id)",
	})
	notes.ForeignKeys = []catalog.ForeignKey{{
		OID: 1000, Name: "notes_user_id_fkey", Child: notes.Named(), Parent: users.Named(), ChildColumns: []string{"user_id"}, ParentColumns: []string{"id"},
		OnDelete: catalog.Cascade, OnUpdate: catalog.NoAction, Match: catalog.MatchSimple, Validated: true, ChildOwned: true,
	}}
	notes.Constraints = []catalog.Constraint{{Name: "notes_user_id_fkey", Kind: "f", Columns: []string{"user_id"}, Validated: true}}
	return s
}

// outline returns the lines of a script that a reader looks at first: the comments outside of quoted bodies, the beginnings of the
// statements, and what belongs to the format.
func outline(text string) string {
	const longest = 132
	tags := regexp.MustCompile(`\$rekey\d*\$`)
	shown := regexp.MustCompile(`^ {0,4}(--|#|@|\\|def|use |end|execute|[A-Z]+ |CALL)`)
	var lines []string
	open := ""
	for line := range strings.SplitSeq(text, "\n") {
		inside := open != ""
		for _, tag := range tags.FindAllString(line, -1) {
			switch open {
			case "":
				open = tag
			case tag:
				open = ""
			}
		}
		if !inside && shown.MatchString(line) {
			lines = append(lines, line[:min(len(line), longest)])
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestGoldenScripts compares the outline of the script of a small schema in each format with the one under testdata. It shows in a review
// what a change does to the files, the order of the statements and the words that users read. The tests with servers run the scripts.
func TestGoldenScripts(t *testing.T) {
	p := plan.Build(linked())
	if len(p.Refusals) > 0 {
		t.Fatal(p.Refusals)
	}
	for _, format := range Formats() {
		o := options(format)
		o.FirstNumber, o.LockTimeout, o.LockRetryTimeout, o.BatchTime, o.PauseFactor = 7, 50*time.Millisecond, 40*time.Minute, 200*time.Millisecond, 0.5
		o.Filling = func(_ plan.Group, target step.Target) Filling {
			f := Filling{Key: "id", Region: 100, Batch: 10, Waves: []int{512, 1024}, Reason: "an example"}
			if target.Column == "user_uuid" {
				f.Value, f.Pending = sqltext.Format("(SELECT p.uuid FROM {} p WHERE p.id = t.user_id)", sqltext.Table{Schema: "app", Name: "users"}), "t.user_uuid IS NULL"
			}
			return f
		}
		files, err := Make(p, o)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", format, len(files), err)
		}
		var text strings.Builder
		for _, file := range files {
			text.WriteString("~~~~ " + file.Name + " ~~~~\n" + outline(file.Text))
		}
		golden := filepath.Join("testdata", string(format)+".txt")
		if *update {
			if err := os.WriteFile(golden, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatalf("%v (run with -update)", err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
			t.Errorf("%s differs (-golden +now); run with -update if that is intended\n%s", golden, diff)
		}
	}
}
