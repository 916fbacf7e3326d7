package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// fleet is the report of up on targets: one done, one again, one failed, one not started.
func fleet() Fleet {
	verified := &Verification{At: begun(), OK: true, Report: &rekey.Report{OK: true, Tables: []rekey.TableReport{{Rows: 200_000}, {Rows: 3}}}}
	return Fleet{
		Document: "rekey report", FormatVersion: event.FormatVersion, Made: begun().Add(time.Hour), MadeBy: "1.5.0",
		Call: "rekey up --schema app --targets targets.yaml --on-error continue --max-failures 1", Started: begun(),
		Summary: event.Summary{Command: "up", Pattern: "app", Targets: 4, Schemas: 4, Done: 2, Failed: 1, NotBegun: 1, Tables: 4, Rows: 200_003, Elapsed: 12 * time.Second},
		Next:    "Resolve the problem of each failed target, then run the same command again.",
		Members: []Member{
			{Name: "tenant-1", Group: "eu", Schema: "app", Database: "eu-1.example:5432/tenant_1", Outcome: Done, Tables: 2, Rows: 200_003, Elapsed: 9 * time.Second, Locks: event.Locks{Count: 3, LongestHold: 4500 * time.Microsecond}, Verification: verified, Skipped: problem.List{{Table: "app.v"}}},
			{Name: "tenant-2", Group: "eu", Schema: "app", Database: "eu-1.example:5432/tenant_2", Outcome: NothingToDo, Tables: 2, Elapsed: 40 * ms, Verification: verified},
			{Name: "odd|<b>\u202e", Group: "us", Schema: "shop", Database: "us-1.example:5432/odd", Outcome: Failed, Elapsed: ms, Problems: problem.List{{Kind: problem.Failed, Message: "could not connect to us-1.example:5432", Detail: "The connection was refused.", Hint: "Check that PostgreSQL runs there: pg_isready"}}},
			{Name: "tenant-4", Group: "us", Schema: "app", Database: "us-1.example:5432/tenant_4", Outcome: NotStarted},
		},
	}
}

func TestFleetReport(t *testing.T) {
	got := Markdown(fleet())
	for _, want := range []string{
		"<!-- rekey report -->\n# rekey up of 4 targets\n\n**1 of 4 targets failed** · 2026-11-29 02:00:00 UTC, took 12 s\n",
		"- **Result: 1 of 4 targets failed.** 2 targets done, 1 of them with nothing to do; 1 failed; 1 not started.\n",
		"- **Rows: 200,003.** Filled by this command, in 12 s. 4 tables complete.\n",
		"- **Locks: 4.50 ms.** Longest hold of 3 ACCESS EXCLUSIVE locks, in eu/tenant-1.\n",
		"- **Proof: no differences.** 2 targets verified, 400,006 rows counted.\n",
		"could not connect to us-1.example:5432. The connection was refused. | Check that PostgreSQL runs there: pg\\_isready |\n",
		"\nNot started: us/tenant-4.\n",
		"| Target | Database | Schema | Result | Tables | Rows | Time | Longest lock | Proof | Details |\n",
		"| eu/tenant-1 | eu-1.example:5432/tenant\\_1 | app | done | 2 | 200,003 | 9.0 s | 4.50 ms | no differences | skipped: app.v |\n",
		"| eu/tenant-2 | eu-1.example:5432/tenant\\_2 | app | nothing to do | 2 | 0 | 40 ms |  | no differences |  |\n",
		"| us/tenant-4 | us-1.example:5432/tenant\\_4 | app | not started |  |  |  |  |  |  |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
	for _, format := range []Format{FormatHTML, FormatMarkdown, FormatJSON} {
		text, err := Text(fleet(), format)
		if err != nil || !IsReport(text[:SignSize]) || strings.Contains(text, "\u202e") || format != FormatJSON && strings.Contains(text, "<b>") {
			t.Errorf("%s: %v\n%s", format, err, text)
		}
	}
}

// Reports of commands that only read have no columns of changes.
func TestFleetReportOfReaders(t *testing.T) {
	for command, want := range map[string]string{
		"verify": "- **Proof: 1 target with differences.** 2 targets verified, 400,003 rows counted.\n",
		"plan":   "| Target | Database | Schema | Result | Tables | Time | Details |\n",
	} {
		f := fleet()
		f.Summary.Command = command
		f.Members[1].Verification = &Verification{Report: &rekey.Report{Tables: []rekey.TableReport{{Rows: 200_000}}, Differences: []string{"x"}}}
		got := Markdown(f)
		if !strings.Contains(got, want) || strings.Contains(got, "Longest lock") {
			t.Errorf("%s: %s", command, got)
		}
	}
	f := fleet()
	f.Summary.Targets, f.Summary.Pattern = 0, "tenant_*"
	if got, want := Markdown(f), fmt.Sprintf("# rekey up of 4 schemas tenant\\_\\*\n\n**1 of 4 %s failed**", "schemas"); !strings.Contains(got, want) || strings.Contains(got, "Database") {
		t.Errorf("%s\nlacks %q", got, want)
	}
}
