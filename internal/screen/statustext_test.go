package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/problem"
)

func TestStatusShowsPause(t *testing.T) {
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	running := rekey.ActiveRun{Command: "up", Program: "1.0", Host: "db", PID: 7, Since: since, Silent: 3 * time.Second}
	for _, reason := range []string{"", "paused from another terminal; to continue: rekey resume"} {
		if running.PausedBy = reason; reason != "" {
			running.PausedSince = &since
		}
		text := strings.Join(strings.Fields(Status(rekey.Status{Profile: "phoenixkit", Schema: "public", Running: &running}, 80)), " ")
		if got := strings.Contains(text, "Paused since 2026-03-01T12:00:00Z: paused from another terminal;"); got != (reason != "") {
			t.Errorf("the pause %q is reported as: %s", reason, text)
		}
		if !strings.Contains(text, "Active run: rekey up (1.0) on host db, pid 7, since 2026-03-01T12:00:00Z; last heartbeat 3 s ago.") {
			t.Errorf("no active run in: %s", text)
		}
	}
}

// shopStatus has long and wide names, every state, and two refusals with the same hint.
func shopStatus() rekey.Status {
	hint := "Skip the refused tables: --skip-refused."
	return rekey.Status{
		Schema: "shop", Tables: []rekey.TableStatus{
			{Table: "a very long table name with blanks and ümläuts and 漢字 wid", State: rekey.Complete, Rows: 12},
			{Table: "customers", State: rekey.Pending, Missing: []string{"column"}, Rows: 5_000_000},
			{Table: "events", State: rekey.Complete, Rows: 9_000, Unique: "in each partition, by (uuid, created_at)"},
			{Table: "v_orders", State: rekey.Skipped, Why: "a view"},
			{Table: "v_customers", State: rekey.Skipped, Why: "a view"},
			{Table: "order_lines", State: rekey.Refused, Missing: []string{"default", "unique index", "NOT NULL"}},
			{Table: "order_notes", State: rekey.Refused},
		},
		Refusals: problem.List{
			{Kind: problem.Refused, Message: "column uuid of shop.order_lines is text, not uuid", Detail: "Its values are not uuids.", Hint: hint},
			{Kind: problem.Refused, Message: "column uuid of shop.order_notes is bytea, not uuid", Hint: hint},
		},
	}
}

func TestStatusOfSchema(t *testing.T) {
	text := Status(shopStatus(), 80)
	golden(t, "status-schema.txt", text)
	for line := range strings.Lines(text) {
		if width := columns(strings.TrimRight(line, "\n")); width > 80 {
			t.Errorf("%d columns: %s", width, line)
		}
	}
	if line := StatusLine(shopStatus()); line != "2 of 5 tables complete, 1 pending, 2 refused" {
		t.Errorf("the line is %q", line)
	}
}
