package report

// page is a report, for every format.
type page struct {
	title, run    string // run is a line below the title
	outcome, tone string
	sections      []section
}

// section is a part of a report, for every format.
type section struct {
	id, title string
	parts     []part
}

// part is one of a paragraph, a list of facts, a table and a figure.
type part struct {
	text   string
	facts  []fact
	table  *table
	figure *figure
}

// fact is a short statement of the summary.
type fact struct {
	label, value, text string
	tone               string // good, bad, warn or ""
}

// table is a table with a caption. The first column names the row.
type table struct {
	caption string
	columns []column
	rows    [][]string
	more    string // a sentence about rows that are left out
	pairs   bool   // the page shows the rows as names with values, side by side
}

// column is the heading of a column.
type column struct {
	title  string
	number bool // aligned on the right
	code   bool
}

// figure is a drawing with its description, for HTML only. The numbers in it are in a table too.
type figure struct {
	svg    string
	legend []legendItem
}

// legendItem explains a color.
type legendItem struct{ class, text string }

func (s *section) say(text string) { s.parts = append(s.parts, part{text: text}) }

func (s *section) add(t table) { s.parts = append(s.parts, part{table: &t}) }

func (s *section) draw(f figure) { s.parts = append(s.parts, part{figure: &f}) }

func text(title string) column    { return column{title: title} }
func numeric(title string) column { return column{title: title, number: true} }

// listed returns the first items of a list, and a sentence about the others. JSON has all.
func listed[T any](all []T, most int, what string) (some []T, more string) {
	if len(all) <= most {
		return all, ""
	}
	return all[:most], number(int64(len(all)-most)) + " more " + what + " are left out here. The JSON has all: rekey report --format json"
}
