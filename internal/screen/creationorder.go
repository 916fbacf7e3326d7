package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
)

// creationOrder sums up what verify found about the order of creation.
func creationOrder(tables []rekey.TableReport) []string {
	var total rekey.OrderReport
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
			add(&total, *o)
		}
	}
	var lines []string
	if judged > 0 {
		lines = append(lines, fmt.Sprintf("Creation order in %s: %s checked, %s out of order%s.", plural(judged, "table", "tables"),
			plural(int(total.Judged), "row", "rows"), plural(int(total.PairsOutOfOrder), "pair", "pairs"), strings.Join(uncommon(total), "")))
	}
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("Creation order not checked in %s: %s.", few(why[reason]), reason))
	}
	if len(random) > 0 {
		lines = append(lines, "Random values, version 4, in "+few(random)+".")
	}
	return lines
}

func add(total *rekey.OrderReport, o rekey.OrderReport) {
	total.Judged += o.Judged
	total.PairsOutOfOrder += o.PairsOutOfOrder
	total.TimesDiffer += o.TimesDiffer
	total.ClampedEarly += o.ClampedEarly
	total.ClampedLate += o.ClampedLate
	total.WithoutTime += o.WithoutTime
	total.New += o.New
	total.Found += o.Found
	total.OtherVersion += o.OtherVersion
}

// uncommon lists the counts that are not zero.
func uncommon(o rekey.OrderReport) (parts []string) {
	for _, counted := range []struct {
		n    int64
		what string
	}{
		{o.TimesDiffer, "with another time than the row"},
		{o.ClampedEarly, "with a time before 1970"},
		{o.ClampedLate, "with a time after the cutoff"},
		{o.WithoutTime, "without a time, not checked"},
		{o.New, "inserted since, not checked"},
		{o.Found, "older than up, not checked"},
		{o.OtherVersion, "of another version, not checked"},
	} {
		if counted.n > 0 {
			parts = append(parts, fmt.Sprintf("; %s %s", Count(counted.n), counted.what))
		}
	}
	return parts
}

// few returns the names of at most three tables, or their number.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%d tables", len(names))
}
