package screen

import (
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// Problems writes problems one after the other in PostgreSQL's manner: ERROR, DETAIL, HINT. The width
// is in columns; bold marks the word ERROR for a terminal.
func Problems(list problem.List, width int, bold bool) string {
	var text strings.Builder
	for _, p := range list {
		for _, part := range []struct{ lead, text string }{
			{"ERROR:  ", p.Message}, {"DETAIL:  ", p.Detail}, {"HINT:  ", p.Hint},
		} {
			if part.text == "" {
				continue
			}
			for _, line := range wrap(part.text, width, part.lead, "    ") {
				if after, ok := strings.CutPrefix(line, "ERROR:"); ok && bold {
					line = "\x1b[1;31mERROR:\x1b[0m" + after
				}
				text.WriteString(line + "\n")
			}
		}
	}
	return text.String()
}
