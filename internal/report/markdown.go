package report

import (
	"fmt"
	"strings"
)

// Markdown returns a report as Markdown, without the drawings.
func Markdown(r Report) string {
	p := r.page()
	var out strings.Builder
	out.WriteString(markdownSign)
	fmt.Fprintf(&out, "# %s\n\n**%s** · %s\n", plain(p.title), plain(p.outcome), plain(p.run))
	for _, s := range p.sections {
		fmt.Fprintf(&out, "\n## %s\n", plain(s.title))
		for _, one := range s.parts {
			writePart(&out, one)
		}
	}
	return out.String()
}

func writePart(out *strings.Builder, p part) {
	if p.text != "" {
		fmt.Fprintf(out, "\n%s\n", plain(p.text))
	}
	if len(p.facts) > 0 {
		out.WriteString("\n")
	}
	for _, f := range p.facts {
		fmt.Fprintf(out, "- **%s: %s.** %s\n", plain(f.label), plain(f.value), plain(f.text))
	}
	if p.table != nil {
		writeTable(out, *p.table)
	}
}

func writeTable(out *strings.Builder, t table) {
	fmt.Fprintf(out, "\n%s:\n\n|", plain(t.caption))
	for _, c := range t.columns {
		out.WriteString(" " + plain(c.title) + " |")
	}
	out.WriteString("\n|")
	for _, c := range t.columns {
		if c.number {
			out.WriteString("---:|")
		} else {
			out.WriteString("---|")
		}
	}
	out.WriteString("\n")
	for _, row := range t.rows {
		out.WriteString("|")
		for _, cell := range row {
			out.WriteString(" " + plain(cell) + " |")
		}
		out.WriteString("\n")
	}
	if t.more != "" {
		fmt.Fprintf(out, "\n%s\n", plain(t.more))
	}
}

// plain escapes what Markdown, or HTML in it, would read as markup.
func plain(text string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "#", `\#`, "~", `\~`, "!", `\!`, "$", `\$`,
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", " ",
	).Replace(text)
}
