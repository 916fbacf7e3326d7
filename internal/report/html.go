package report

import (
	_ "embed"
	"html"
	"html/template"
	"slices"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS string

// HTML returns a report as one file: it has no script, loads nothing and is complete without a network.
func HTML(r Report) (string, error) {
	p := r.page()
	page, err := template.New("report").Funcs(template.FuncMap{"breakable": breakable}).Parse(pageHTML)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = page.Execute(&text, struct {
		Title, Outcome, Tone, Run string
		Style                     template.CSS
		Sections                  []htmlSection
	}{p.title, p.outcome, p.tone, p.run, template.CSS(styleCSS), htmlSections(p.sections)}) //nolint:gosec // the style sheet is a constant
	return text.String(), err
}

// breakable returns a text that a line may break after the parts of a name.
func breakable(text string) template.HTML {
	escaped := html.EscapeString(text)
	return template.HTML(strings.NewReplacer("_", "_<wbr>", ".", ".<wbr>", "/", "/<wbr>").Replace(escaped)) //nolint:gosec // it is escaped
}

// longTable is the number of rows above which a table scrolls on the screen.
const longTable = 100

// runLine returns one line below the title.
func runLine(d Document) string {
	line := clock(d.Run.Started)
	if d.Run.Number > 0 {
		line += ", took " + elapsed(d.Run.Elapsed)
	}
	if e := d.Environment; e != nil {
		line += ", PostgreSQL " + e.Server + ", database " + e.Database
	}
	return line
}

// The types below have exported fields, since templates read only those.
type htmlSection struct {
	ID, Title string
	Parts     []htmlPart
}

type htmlPart struct {
	Text    string
	Facts   []htmlFact
	Table   *htmlTable
	Figures []htmlFigure
}

type htmlFact struct{ Label, Value, Text, Tone string }

type htmlTable struct {
	ID, Caption, More string
	Pairs, Long       bool
	Columns           []htmlCell
	Rows              [][]htmlCell
}

type htmlCell struct {
	Text, Class string
	Code        bool
}

type htmlFigure struct {
	SVG    template.HTML
	Legend []htmlLegend
	Wide   bool
}

type htmlLegend struct{ Class, Text string }

func htmlSections(all []section) []htmlSection {
	var out []htmlSection
	for _, s := range all {
		one := htmlSection{ID: s.id, Title: s.title}
		tables := 0
		for _, p := range s.parts {
			part := htmlPart{Text: p.text}
			for _, f := range p.facts {
				part.Facts = append(part.Facts, htmlFact{f.label, f.value, f.text, f.tone})
			}
			if p.table != nil {
				tables++
				part.Table = htmlTableOf(*p.table, s.id, tables)
			}
			if p.figure != nil {
				part.Figures = []htmlFigure{htmlFigureOf(*p.figure, s.id == "timeline")}
			}
			one.Parts = append(one.Parts, part)
		}
		one.Parts = figuresTogether(one.Parts)
		out = append(out, one)
	}
	return out
}

// figuresTogether joins figures that follow one another, which the page shows side by side.
func figuresTogether(parts []htmlPart) []htmlPart {
	var out []htmlPart
	for _, p := range parts {
		if last := len(out) - 1; last >= 0 && len(p.Figures) > 0 && len(out[last].Figures) > 0 {
			out[last].Figures = append(out[last].Figures, p.Figures...)
			continue
		}
		out = append(out, p)
	}
	return out
}

func htmlTableOf(t table, section string, n int) *htmlTable {
	out := htmlTable{ID: section + "-" + string(rune('a'+n-1)), Caption: t.caption, More: t.more, Pairs: t.pairs, Long: len(t.rows) > longTable}
	class := func(c column) string {
		switch {
		case c.number:
			return "n"
		case c.code:
			return "c"
		default:
			return ""
		}
	}
	for _, c := range t.columns {
		out.Columns = append(out.Columns, htmlCell{Text: c.title, Class: class(c)})
	}
	for _, row := range t.rows {
		var cells []htmlCell
		for i, text := range row {
			cell := htmlCell{Text: text, Class: class(t.columns[i]), Code: t.columns[i].code}
			switch {
			case t.columns[i].title != "Result":
			case slices.Contains([]string{"ok", "complete", string(Done), string(NothingToDo)}, text):
				cell.Class = "good"
			case slices.Contains([]string{string(Differs), string(Failed), string(Refused)}, text):
				cell.Class = "bad"
			}
			cells = append(cells, cell)
		}
		out.Rows = append(out.Rows, cells)
	}
	return &out
}

func htmlFigureOf(f figure, wide bool) htmlFigure {
	out := htmlFigure{SVG: template.HTML(f.svg), Wide: wide} //nolint:gosec // drawing escapes every text
	for _, item := range f.legend {
		out.Legend = append(out.Legend, htmlLegend{item.class, item.text})
	}
	return out
}
