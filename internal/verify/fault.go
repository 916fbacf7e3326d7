package verify

import (
	"fmt"
	"strings"
)

// faults are what is wrong with one table, a line each.
func (t TableReport) faults() []string {
	var lines []string
	for _, lack := range t.Lacks {
		lines = append(lines, fmt.Sprintf("%s: no %s", t.Table, lack))
	}
	for _, counted := range []struct {
		n    int64
		what string
	}{
		{t.Nulls, "rows without a value"},
		{t.Duplicates, "values that stand more than once"},
		{t.NotV7, "values that are not UUIDv7"},
		{t.NotV4, "values that are not UUIDv4"},
	} {
		if counted.n > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d %s", t.Table, counted.n, counted.what))
		}
	}
	return append(lines, t.Order.faults(t.Table)...)
}

func (f FunctionReport) faults() []string {
	switch {
	case f.Unneeded:
		return nil
	case !f.Exists:
		return []string{"function " + f.Name + "() is missing"}
	case !f.MakesV7:
		return []string{"function " + f.Name + "(): " + f.Fault}
	case len(f.Unprivileged) > 0:
		return []string{fmt.Sprintf("function %s(): no EXECUTE for %s, who may INSERT", f.Name, strings.Join(f.Unprivileged, ", "))}
	default:
		return nil
	}
}
