package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/verify"
)

// ordering sums up what verify has found out about the order of creation.
func ordering(tables []verify.TableReport) []string {
	var sum verify.OrderReport
	judged, random := 0, []string{}
	why := map[string][]string{}
	var reasons []string
	for _, t := range tables {
		switch o := t.Order; {
		case t.Random:
			random = append(random, t.Table)
		case o == nil:
		case o.Why != "":
			if why[o.Why] == nil {
				reasons = append(reasons, o.Why)
			}
			why[o.Why] = append(why[o.Why], t.Table)
		default:
			judged++
			add(&sum, *o)
		}
	}
	var lines []string
	if judged > 0 {
		lines = append(lines, fmt.Sprintf("Order of creation in %s: %s judged, %s out of order%s.", plural(judged, "table", "tables"),
			plural(int(sum.Judged), "row", "rows"), plural(int(sum.Pairs), "pair", "pairs"), strings.Join(apart(sum), "")))
	}
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("Order not judged in %s: %s.", few(why[reason]), reason))
	}
	if len(random) > 0 {
		lines = append(lines, "Random, version 4: "+few(random)+".")
	}
	return lines
}

func add(sum *verify.OrderReport, o verify.OrderReport) {
	sum.Judged += o.Judged
	sum.Pairs += o.Pairs
	sum.Differs += o.Differs
	sum.Early += o.Early
	sum.Late += o.Late
	sum.Timeless += o.Timeless
	sum.New += o.New
	sum.Found += o.Found
	sum.Other += o.Other
}

// apart names what was counted besides, where there is any.
func apart(o verify.OrderReport) (parts []string) {
	for _, counted := range []struct {
		n    int64
		what string
	}{
		{o.Differs, "with another time than the row has now"},
		{o.Early, "from before 1970"},
		{o.Late, "from after the column got its default"},
		{o.Timeless, "without a time, not judged"},
		{o.New, "newer, not judged"},
		{o.Found, "there before, not judged"},
		{o.Other, "of another version, not judged"},
	} {
		if counted.n > 0 {
			parts = append(parts, fmt.Sprintf("; %s %s", Count(counted.n), counted.what))
		}
	}
	return parts
}

// few names tables, or counts them.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%d tables", len(names))
}
