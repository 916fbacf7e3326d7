package screen

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// Problems returns problems in the format of psql: ERROR, DETAIL, HINT. Problems with the same hint are listed
// together, and the hint follows the last of them. Sentences with which all hints end are printed once, at the end.
// The width is in columns; bold marks the word ERROR for a terminal.
func Problems(list problem.List, width int, bold bool) string {
	p := page{width: width}
	groups := sameHint(list)
	shared := sharedHint(groups)
	for _, group := range groups {
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
		if hint := strings.TrimSuffix(group[0].Hint, shared); hint != "" {
			p.lines(wrap(hint, width, "HINT:  ", "    ")...)
		}
	}
	if shared != "" {
		p.lines(wrap("For all of these: "+strings.TrimPrefix(shared, "Or "), width, "HINT:  ", "    ")...)
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

// sharedHint returns the sentences with which the hints of several groups end. Each hint begins with others.
func sharedHint(groups []problem.List) string {
	if len(groups) < 2 {
		return ""
	}
	shared := strings.SplitAfter(groups[0][0].Hint, ". ")[1:]
	for _, group := range groups[1:] {
		sentences := strings.SplitAfter(group[0].Hint, ". ")[1:]
		for len(shared) > len(sentences) || !slices.Equal(shared, sentences[len(sentences)-len(shared):]) {
			shared = shared[1:]
		}
	}
	return strings.Join(shared, "")
}
