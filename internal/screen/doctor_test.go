package screen

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
)

func TestDoctor(t *testing.T) {
	doc := rekey.Diagnosis{
		Command: rekey.Up, Schema: "app", To: rekey.Linked, Server: "18.4", Database: "shop", Role: "app", Findings: []rekey.Finding{
			{Level: rekey.FindingRefuses, Name: "text_column", Count: 3, Text: "column uuid of app.a is text; also b, c", Hint: "Rename it."},
			{Level: rekey.FindingSlows, Name: "long_transaction", Count: 1, Text: "long transactions keep dead rows, so that tables grow, and index builds wait for them: pid 7 evil\x1b[2J, active for 3m", Hint: "End it there, or: SELECT pg_terminate_backend(7);"},
			{Level: rekey.FindingHidden, Name: "pg_monitor", Count: 1, Text: "role app lacks pg_monitor", Hint: `GRANT pg_monitor TO "app";`},
			{Level: rekey.FindingFine, Name: "connection", Text: "connection"},
			{Level: rekey.FindingFine, Name: "lease", Text: "no active run"},
		},
	}
	golden(t, "doctor.txt", Doctor(doc, "rekey up --schema app --to linked", 80))
	ready := doc
	ready.Ready, ready.Findings = true, doc.Findings[1:]
	golden(t, "doctor-ready.txt", Doctor(ready, "rekey up --schema app --to linked", 80))
	for range 5 {
		doc.Findings = append(doc.Findings[:1:1], doc.Findings...)
	}
	full := Doctor(doc, "", 80)
	if lines := strings.Count(full, "\n"); lines > doctorLines {
		t.Errorf("%d lines: %s", lines, full)
	}
	for line := range strings.Lines(Doctor(doc, "", 60)) {
		if columns(strings.TrimRight(line, "\n")) > 60 {
			t.Errorf("too wide: %q", line)
		}
	}
}
