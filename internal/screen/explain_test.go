package screen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
)

// explainedPlan has a step of each kind of action, and one that is done.
func explainedPlan() rekey.Plan {
	exclusive := []rekey.TableLock{{Table: "app.orders", Below: true, Mode: "ACCESS EXCLUSIVE", Waiting: "readers and writers"}}
	shared := []rekey.TableLock{{Table: "app.orders", Mode: "SHARE UPDATE EXCLUSIVE"}}
	both := []rekey.TableLock{
		{Table: "app.orders", Mode: "SHARE ROW EXCLUSIVE", Waiting: "writers"}, {Table: "app.users", Mode: "SHARE ROW EXCLUSIVE", Waiting: "writers"},
	}
	return rekey.Plan{
		Command: rekey.Up, Schema: "app", Groups: []rekey.Group{
			{Table: "orders", State: rekey.Incomplete, Phase: rekey.Expanded, Missing: []string{"unique index", "NOT NULL"}, Rows: 50_000, Bytes: 3 << 20, Steps: []rekey.Step{
				{What: "add column uuid with its default", Why: "one statement rewrites nothing", Lock: "ACCESS EXCLUSIVE, an instant", Scans: "nothing", Undo: "drop the column", UndoneBy: "by itself", Done: true},
				{
					What: "fill uuid in the existing rows", Why: "in short committed batches", Lock: "ROW EXCLUSIVE, and the batch's own rows", Scans: "the table, a few pages at a time",
					Undo: "nothing: the values go with the column", UndoneBy: "absorbed by an earlier step's", Choice: "by the key alone; one pass: 368 pages are too few for waves to pay",
					SQL: []string{"BEGIN", "UPDATE ONLY app.orders AS t\nSET uuid = $1", "COMMIT"},
					Actions: []rekey.Action{{
						Kind: rekey.ActionBackfill, Statements: 3, Locks: []rekey.TableLock{{Table: "app.orders", Mode: "ROW EXCLUSIVE"}},
						Journal: []string{"with each batch, how far the filling of app.orders is"},
					}},
				},
				{
					What: "make uuid NOT NULL", Why: "SET NOT NULL then needs no scan", Lock: "ACCESS EXCLUSIVE, an instant, three times", Scans: "the table, once", Undo: "allow NULL again", UndoneBy: "by itself",
					SQL: []string{"CREATE UNIQUE INDEX CONCURRENTLY orders_uuid_idx ON app.orders (uuid);", "ALTER TABLE app.orders VALIDATE CONSTRAINT c", "ALTER TABLE app.orders ALTER COLUMN uuid SET NOT NULL", "COMMENT ON COLUMN app.orders.uuid IS 'x'"},
					Actions: []rekey.Action{
						{Kind: rekey.ActionConcurrently, Statements: 1, Locks: shared},
						{Kind: rekey.ActionValidation, Statements: 1, Locks: shared},
						{Kind: rekey.ActionTransaction, Statements: 2, Locks: exclusive, Journal: []string{"when app.orders.uuid got its default"}},
					},
				},
			}},
			{Table: "orders", Edge: "orders.user_id", State: rekey.Pending, Phase: rekey.Linked, Rows: 50_000, Steps: []rekey.Step{
				{What: "add foreign key orders_user_uuid_fkey", Why: "NOT VALID reads no rows", Lock: "SHARE ROW EXCLUSIVE on both tables", Scans: "nothing", Undo: "drop the foreign key", UndoneBy: "by itself", SQL: []string{"ALTER TABLE app.orders ADD CONSTRAINT f"}, Actions: []rekey.Action{{Kind: rekey.ActionTransaction, Statements: 1, Locks: both}}},
				{What: "write into the comment that it is finished", Why: "the next run reads it", Lock: "SHARE UPDATE EXCLUSIVE", Scans: "nothing", Undo: "write that it is not", UndoneBy: "by itself", Done: true},
			}},
			{Table: "orders", Key: "orders", State: rekey.Complete, Phase: rekey.Switched, Steps: []rekey.Step{{What: "swap the primary key", Done: true, Lock: "ACCESS EXCLUSIVE, an instant", Scans: "nothing", UndoneBy: "by itself"}}},
		},
	}
}

func TestExplain(t *testing.T) {
	doc := explainedPlan()
	for _, width := range []int{60, 80, 120} {
		text := Explain(doc, doc.Groups, Limits{LockTimeout: 50 * time.Millisecond, BatchTime: 20 * time.Millisecond}, width)
		golden(t, fmt.Sprintf("explain-%d.txt", width), text)
		for line := range strings.Lines(text) {
			if line = strings.TrimRight(line, "\n"); columns(line) > width && !strings.HasPrefix(line, "     ") {
				t.Errorf("%d columns: %q", columns(line), line)
			}
		}
	}
}

// A step's statements appear once and in order, with each action's own beside it.
func TestExplainStatements(t *testing.T) {
	doc := explainedPlan()
	text := Explain(doc, doc.Groups[:1], Limits{}, 80)
	at := 0
	for _, s := range doc.Groups[0].Steps {
		for _, sql := range s.SQL {
			line := "     " + strings.ReplaceAll(strings.TrimSuffix(sql, ";"), "\n", "\n     ") + ";\n"
			next := strings.Index(text[at:], line)
			if next < 0 || strings.Count(text, line) != 1 {
				t.Fatalf("not once and in order: %q", line)
			}
			at += next
		}
	}
	down := doc
	down.Command = rekey.Down
	if text := Explain(down, doc.Groups[:1], Limits{}, 80); !strings.Contains(text, "1. drop the column: done.") || strings.Contains(text, "Why") {
		t.Errorf("the way down: %s", text)
	}
}

func TestUnexplained(t *testing.T) {
	got := Unexplained([]rekey.Relation{{Table: "v\x1b", Kind: "view", State: rekey.Skipped, Why: "a view"}}, 80)
	if !strings.Contains(got, "view, skipped: a view.") || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}
