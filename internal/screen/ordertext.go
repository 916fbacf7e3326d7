package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
)

// ordering sums up what verify has found out about the order of creation.
func ordering(tables []rekey.TableReport) []string {
	var sum rekey.OrderReport
	judged, random := 0, []string{}
	why := map[string][]string{}
	var reasons []string
	for _, t := range tables {
		switch o := t.Order; {
		case t.Random:
			random = append(random, t.Table)
		case o == nil:
		case o.NotJudged != "":
			if why[o.NotJudged] == nil {
				reasons = append(reasons, o.NotJudged)
			}
			why[o.NotJudged] = append(why[o.NotJudged], t.Table)
		default:
			judged++
			add(&sum, *o)
		}
	}
	var lines []string
	if judged > 0 {
		lines = append(lines, fmt.Sprintf("Order of creation in %s: %s judged, %s out of order%s.", plural(judged, "table", "tables"),
			plural(int(sum.Judged), "row", "rows"), plural(int(sum.PairsOutOfOrder), "pair", "pairs"), strings.Join(apart(sum), "")))
	}
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("Order not judged in %s: %s.", few(why[reason]), reason))
	}
	if len(random) > 0 {
		lines = append(lines, "Random, version 4: "+few(random)+".")
	}
	return lines
}

func add(sum *rekey.OrderReport, o rekey.OrderReport) {
	sum.Judged += o.Judged
	sum.PairsOutOfOrder += o.PairsOutOfOrder
	sum.TimesDiffer += o.TimesDiffer
	sum.ClampedEarly += o.ClampedEarly
	sum.ClampedLate += o.ClampedLate
	sum.WithoutTime += o.WithoutTime
	sum.New += o.New
	sum.Found += o.Found
	sum.OtherVersion += o.OtherVersion
}

// apart names what was counted besides, where there is any.
func apart(o rekey.OrderReport) (parts []string) {
	for _, counted := range []struct {
		n    int64
		what string
	}{
		{o.TimesDiffer, "with another time than the row has now"},
		{o.ClampedEarly, "from before 1970"},
		{o.ClampedLate, "from after the column got its default"},
		{o.WithoutTime, "without a time, not judged"},
		{o.New, "newer, not judged"},
		{o.Found, "there before, not judged"},
		{o.OtherVersion, "of another version, not judged"},
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
