package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
)

// doctorLines is the number of lines of a terminal. A longer diagnosis has no empty lines between its findings.
const doctorLines = 24

// Doctor returns a diagnosis: what would refuse the run first, then what would slow it, what cannot be seen, and the rest in one
// paragraph. next is the command that begins the run.
func Doctor(doc rekey.Diagnosis, next string, width int) string {
	if text := diagnosis(doc, next, width, true); strings.Count(text, "\n") < doctorLines {
		return text
	}
	return diagnosis(doc, next, width, false)
}

func diagnosis(doc rekey.Diagnosis, next string, width int, spaced bool) string {
	p := page{width: width}
	p.add(doctorHead(doc))
	p.add(fmt.Sprintf("Database %s, PostgreSQL %s, role %s. Nothing has been changed.", doc.Database, doc.Server, doc.Role))
	p.lines("")
	var well []string
	for _, f := range doc.Findings {
		if f.Level == rekey.FindingFine {
			well = append(well, f.Text)
			continue
		}
		p.finding(f)
		if spaced {
			p.lines("")
		}
	}
	if len(well) > 0 {
		p.lines(wrap(strings.Join(well, ", ")+".", width, "fine     ", strings.Repeat(" ", 9))...)
	}
	if doc.Ready && !doc.NothingToDo {
		p.lines("Run it:  " + clean(next))
	}
	return p.text.String()
}

func (p *page) finding(f rekey.Finding) {
	indent := strings.Repeat(" ", 9)
	p.lines(wrap(strings.TrimSuffix(f.Text, ".")+".", p.width, fmt.Sprintf("%-9s", levelWord(f.Level)), indent)...)
	if f.Hint != "" {
		p.lines(wrap(f.Hint, p.width, indent+"-> ", indent+"   ")...)
	}
}

func doctorHead(doc rekey.Diagnosis) string {
	slow, hidden := 0, 0
	for _, f := range doc.Findings {
		switch f.Level {
		case rekey.FindingSlows:
			slow++
		case rekey.FindingHidden:
			hidden++
		case rekey.FindingRefuses, rekey.FindingFine:
		}
	}
	would := "would begin"
	switch {
	case !doc.Ready:
		would = "would be refused"
	case doc.NothingToDo:
		would = "would have nothing to do"
	}
	head := fmt.Sprintf("rekey %s of schema %s%s %s", doc.Command, doc.Schema, to(doc.To), would)
	if slow > 0 && !doc.NothingToDo {
		head += fmt.Sprintf("; %s slow it", plural(slow, "thing would", "things would"))
	}
	if hidden > 0 {
		head += fmt.Sprintf("; %s visible", plural(hidden, "thing is not", "things are not"))
	}
	return head + "."
}

func levelWord(l rekey.FindingLevel) string {
	if l == rekey.FindingHidden {
		return "unseen"
	}
	return string(l)
}
