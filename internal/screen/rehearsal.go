package screen

import (
	"fmt"
	"time"
)

// RehearsalPart is one part of a rehearsal: its time, and what the made-up traffic felt.
type RehearsalPart struct {
	Name                  string
	Elapsed, P99, Longest time.Duration
	Statements            int
	Errors                []string
}

// Rehearsal returns the result of a rehearsal: its parts with what the traffic felt, how long up would take on all rows, what was left out of the copy, and what down did not
// restore.
func Rehearsal(parts []RehearsalPart, sample, estimate string, left, differences []string, width int) string {
	p := page{width: width}
	p.add(sample)
	p.lines("")
	rows := [][]string{{"PART", ">TIME", ">STATEMENTS", ">P99", ">LONGEST", "ERRORS"}}
	down := false
	var failed []string
	for _, one := range parts {
		errors := ""
		if n := len(one.Errors); n > 0 {
			errors = fmt.Sprintf("%d kinds", n)
		}
		rows = append(rows, []string{one.Name, FormatDuration(one.Elapsed), Count(int64(one.Statements)), FormatDuration(one.P99), FormatDuration(one.Longest), errors})
		for _, text := range one.Errors {
			failed = append(failed, one.Name+": "+text)
		}
		down = down || one.Name == "down"
	}
	p.lines(alignWithin(rows, width)...)
	if estimate != "" {
		p.lines("")
		p.add(estimate)
	}
	p.list("Errors of the traffic:", failed)
	p.list("Left out of the copy:", left)
	p.list("Not restored by down:", differences)
	if down && len(differences) == 0 {
		p.lines("")
		p.add("down restored the schema as it was.")
	}
	return p.text.String()
}
