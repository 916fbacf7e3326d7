package screen

import (
	"strings"
)

// page collects lines of text.
type page struct {
	text  strings.Builder
	width int
}

// add adds a paragraph.
func (p *page) add(text string) { p.lines(wrap(text, p.width, "", "")...) }

func (p *page) lines(lines ...string) {
	for _, line := range lines {
		p.text.WriteString(line + "\n")
	}
}

// list adds a title and a wrapped line for each item; nothing if there are none.
func (p *page) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.lines("", title)
	for _, item := range items {
		p.lines(wrap(item, p.width, "  - ", "    ")...)
	}
}

// comment adds a paragraph of SQL comments.
func (p *page) comment(text string) {
	p.lines(wrap(text, p.width, "-- ", "--   ")...)
}
