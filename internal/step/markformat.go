package step

import (
	"strconv"
	"strings"
)

// MarkFormat is the newest format of marks that this version of rekey reads.
//
// A mark of format 1 has no number: [rekey: made {..}]. Later formats have one: [rekey 2: edge {..}]. rekey writes a mark in
// the oldest format that has its meaning, so that an older version still reads the marks of columns that it could have made.
// Format 2 has the marks of edges.
const MarkFormat = 2

// newerMark returns the format of a mark in a comment that is newer than [MarkFormat]; 0 if there is none. A number that is
// too large for an int counts as the largest one.
func newerMark(comment string) int {
	newest := 0
	for _, after := range strings.Split(comment, "[rekey ")[1:] {
		digits, _, closed := strings.Cut(after, ":")
		if !closed || digits == "" || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		format, _ := strconv.Atoi(digits) // the largest int if it is out of range
		newest = max(newest, format)
	}
	if newest <= MarkFormat {
		return 0
	}
	return newest
}
