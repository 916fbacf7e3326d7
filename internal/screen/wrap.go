package screen

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/visible"
)

// wrap breaks a text into lines of at most width columns. The first line begins with first, the others with rest. It
// does not break a longer word, since it may be a name or a URL to copy. It escapes a line break, which can only come
// from a name, so that a name cannot forge a line.
func wrap(text string, width int, first, rest string) []string {
	var lines []string
	line, lead := "", first
	for word := range strings.FieldsSeq(visible.Line(text)) {
		switch {
		case line == "":
			line = lead + word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line, lead = rest+word, rest
		}
	}
	if line == "" {
		line = strings.TrimRight(lead, " ")
	}
	return append(lines, line)
}

// minCell is the least number of columns to which alignWithin shortens a cell.
const minCell = 12

// alignWithin is align for at most width columns. While lines are longer, it shortens the widest cells, and the names in
// the first column last.
func alignWithin(rows [][]string, width int) []string {
	for {
		lines := align(cloneRows(rows))
		excess := 0
		for _, line := range lines {
			excess = max(excess, columns(line)-width)
		}
		widest, size := widestColumn(rows)
		if excess == 0 || size <= minCell {
			return lines
		}
		for _, row := range rows {
			row[widest] = truncate(clean(row[widest]), max(minCell, size-excess))
		}
	}
}

// widestColumn returns the widest column but the first, or the first if the others are narrow.
func widestColumn(rows [][]string) (widest, size int) {
	for i := range slices.Backward(rows[0]) {
		cells := 0
		for _, row := range rows {
			cells = max(cells, columns(clean(row[i])))
		}
		if cells > size && (i > 0 || size <= minCell) {
			widest, size = i, cells
		}
	}
	return widest, size
}

func cloneRows(rows [][]string) [][]string {
	copied := make([][]string, len(rows))
	for i, row := range rows {
		copied[i] = slices.Clone(row)
	}
	return copied
}

// align returns rows as lines with aligned columns, two blanks apart. A title that begins with ">" aligns its column to
// the right. An empty last column is left out.
func align(rows [][]string) []string {
	last := len(rows[0]) - 1
	if !slices.ContainsFunc(rows[1:], func(row []string) bool { return row[last] != "" }) {
		for i, row := range rows {
			rows[i] = row[:last]
		}
	}
	widths := make([]int, len(rows[0]))
	right := make([]bool, len(rows[0]))
	for i, title := range rows[0] {
		rows[0][i], right[i] = strings.CutPrefix(title, ">")
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
			widths[i] = max(widths[i], columns(row[i]))
		}
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-columns(cell))
			if right[i] {
				cell = pad + cell
			} else {
				cell += pad
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(cell)
		}
		lines[n] = strings.TrimRight(line.String(), " ")
	}
	return lines
}
