package report

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
)

// proof returns the order proof and the verification.
func proof(d Document) section {
	s := section{id: "proof", title: "Proof"}
	v := d.Verification
	switch {
	case v == nil && d.Run.Command == "down":
		s.say("No verification is recorded. rekey verify counts and checks the tables at any time.")
		return s
	case v == nil:
		s.say("No verification of this run is recorded. To make one now: rekey report --verify")
		return s
	case v.Report == nil:
		s.say(fmt.Sprintf("The tables could not be verified at %s: %s.", clock(v.At), v.Problem))
		return s
	}
	found := "found no differences"
	if n := len(v.Report.Differences); n > 0 {
		found = "found " + message.Counted(n, "difference", "differences")
	}
	s.say(fmt.Sprintf("rekey verify counted every row and %s. It ended at %s and took %s.", found, clock(v.At), elapsed(v.Elapsed)))
	if len(v.Report.Differences) > 0 {
		some, more := listed(v.Report.Differences, mostRows, "differences")
		t := table{caption: "Differences", columns: []column{text("Difference")}, more: more}
		for _, line := range some {
			t.rows = append(t.rows, []string{line})
		}
		s.add(t)
	}
	orderProof(&s, v.Report.Tables)
	verifyTable(&s, v.Report.Tables)
	edgeTable(&s, v.Report.Edges)
	keyTable(&s, v.Report.Keys)
	for _, note := range v.Report.Notes {
		s.say(note)
	}
	return s
}

// checked returns a word for a check.
func checked(ok bool) string {
	if ok {
		return "ok"
	}
	return "differs"
}

// orderProof adds whether the uuids are in the order of creation.
func orderProof(s *section, tables []rekey.TableReport) {
	t := table{
		caption: "Order proof: do the UUIDs sort as the rows were created?",
		columns: []column{
			text("Table"), text("Ordered by"), numeric("Rows judged"), numeric("Pairs out of order"), numeric("Times that differ"), numeric("Clamped times"),
			numeric("Without a time"), numeric("New rows"), numeric("Older values"), text("Result"),
		},
	}
	for _, one := range tables {
		o := one.Order
		if o == nil {
			continue
		}
		by := "key"
		switch {
		case o.Column != "":
			by = o.Column
		case o.Source == "now":
			by = "clock of the run"
		}
		result := checked(o.PairsOutOfOrder == 0 && o.TimesDiffer == 0)
		if o.NotJudged != "" {
			result = "not judged: " + o.NotJudged
		}
		t.rows = append(t.rows, []string{
			one.Table, by, number(o.Judged), number(o.PairsOutOfOrder), number(o.TimesDiffer), number(o.ClampedEarly + o.ClampedLate), number(o.WithoutTime), number(o.New),
			number(o.Found + o.OtherVersion), result,
		})
	}
	if len(t.rows) > 0 {
		t.rows, t.more = listed(t.rows, mostRows, "tables")
		s.add(t)
	}
}

func verifyTable(s *section, tables []rekey.TableReport) {
	some, more := listed(tables, mostRows, "tables")
	t := table{
		caption: "Every row counted", more: more,
		columns: []column{text("Table"), numeric("Rows"), numeric("NULL"), numeric("Duplicates"), numeric("Not UUIDv7"), numeric("Kept"), text("Missing"), text("Result")},
	}
	for _, one := range some {
		t.rows = append(t.rows, []string{
			one.Table, number(one.Rows), number(one.Nulls), number(one.Duplicates), number(one.NotV7 + one.NotV4), number(one.Kept), strings.Join(one.Missing, ", "), checked(one.OK),
		})
	}
	if len(t.rows) > 0 {
		s.add(t)
	}
}

func edgeTable(s *section, edges []rekey.EdgeReport) {
	some, more := listed(edges, mostRows, "references")
	t := table{
		caption: "References: both columns of every row compared", more: more,
		columns: []column{text("Reference"), text("Refers to"), text("State"), numeric("Rows"), numeric("Mismatches"), numeric("Orphans"), numeric("One-sided"), text("Missing"), text("Result")},
	}
	for _, e := range some {
		t.rows = append(t.rows, []string{
			e.Table + "." + e.Column, e.Parent, string(e.Progress), number(e.Rows), number(e.Mismatches), number(e.Orphans), number(e.OneSided), strings.Join(e.Missing, ", "), checked(e.OK),
		})
	}
	if len(t.rows) > 0 {
		s.add(t)
	}
}

func keyTable(s *section, keys []rekey.KeyReport) {
	some, more := listed(keys, mostRows, "primary keys")
	t := table{caption: "Primary keys", columns: []column{text("Table"), text("State"), text("Missing"), text("Result")}, more: more}
	for _, k := range some {
		t.rows = append(t.rows, []string{k.Table, string(k.Progress), strings.Join(k.Missing, ", "), checked(k.OK)})
	}
	if len(t.rows) > 0 {
		s.add(t)
	}
}
