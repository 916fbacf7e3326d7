package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
)

// Status writes the version and the state of every table.
func Status(s rekey.Status, width int) string {
	p := page{width: width}
	p.add(heading(s.Profile, s.Schema, fmt.Sprintf("%s in schema %s is at version %d.", s.Profile, s.Schema, s.Version)))
	switch {
	case s.VerifyOnly:
		p.add(verifyOnly)
	case s.Complete && len(s.Refusals) == 0:
		p.add("Every table that exists is whole.")
	}
	for _, note := range s.Notes {
		p.lines(wrap(note, width, "Note: ", "  ")...)
	}
	if r := s.Running; r != nil {
		p.add(fmt.Sprintf("A run is at work: rekey %s (%s) on host %s, pid %d, since %s, last heard of %.0f s ago.",
			r.Command, r.Program, r.Host, r.PID, r.Since.UTC().Format(time.RFC3339), r.Silent.Seconds()))
		if r.PausedBy != "" && r.PausedSince != nil {
			p.add(fmt.Sprintf("It has stood still since %s: %s.", r.PausedSince.UTC().Format(time.RFC3339), r.PausedBy))
		}
	}
	p.lines("")
	rows := [][]string{{"TABLE", "STATE", ">ROWS", "LACKS"}}
	for _, t := range s.Tables {
		row := []string{t.Table, string(t.State), Count(t.Rows), missing(t.Missing, t.State)}
		if t.State == rekey.Absent {
			row[2] = ""
		}
		if t.Found {
			row[3] = strings.TrimSpace(row[3] + " (found by up)")
		}
		if t.Random {
			row[3] = strings.TrimSpace(row[3] + " (random)")
		}
		row[3] = unique(row[3], t.Unique)
		if t.Why != "" {
			row[3] = t.Why
		}
		rows = append(rows, row)
	}
	p.lines(align(rows)...)
	if len(s.Refusals) > 0 {
		p.lines("", "What stands in the way of a run:", "")
		p.text.WriteString(Problems(s.Refusals, width, false))
	}
	return p.text.String()
}
