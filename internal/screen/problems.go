package screen

import (
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// Problems returns problems in the format of psql: ERROR, DETAIL, HINT. Problems with the same hint are listed
// together, and the hint follows the last of them. The width is in columns; bold marks the word ERROR for a terminal.
func Problems(list problem.List, width int, bold bool) string {
	p := page{width: width}
	for _, group := range sameHint(list) {
		for _, one := range group {
			for _, line := range wrap(one.Message, width, "ERROR:  ", "    ") {
				if after, ok := strings.CutPrefix(line, "ERROR:"); ok && bold {
					line = "\x1b[1;31mERROR:\x1b[0m" + after
				}
				p.lines(line)
			}
			if one.Detail != "" {
				p.lines(wrap(one.Detail, width, "DETAIL:  ", "    ")...)
			}
		}
		if hint := group[0].Hint; hint != "" {
			p.lines(wrap(hint, width, "HINT:  ", "    ")...)
		}
	}
	return p.text.String()
}

// sameHint groups problems by their hints, in the order of the first of each group.
func sameHint(list problem.List) (groups []problem.List) {
	at := map[string]int{}
	for _, one := range list {
		i, known := at[one.Hint]
		if !known {
			i = len(groups)
			at[one.Hint] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], one)
	}
	return groups
}
