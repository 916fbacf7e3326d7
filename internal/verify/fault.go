package verify

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/message"
)

// faults are what is wrong with one table, a line each.
func (t TableReport) faults() []string {
	var lines []string
	for _, lack := range t.Lacks {
		lines = append(lines, fmt.Sprintf("%s: no %s", t.Table, lack))
	}
	for _, counted := range []struct {
		n         int64
		one, many string
	}{
		{t.Nulls, "row without a value", "rows without a value"},
		{t.Duplicates, duplicate, duplicates},
		{t.NotV7, "value that is not UUIDv7", "values that are not UUIDv7"},
		{t.NotV4, "value that is not UUIDv4", "values that are not UUIDv4"},
	} {
		if counted.n > 0 {
			lines = append(lines, t.Table+": "+message.Counted(counted.n, counted.one, counted.many))
		}
	}
	return append(lines, t.Order.faults(t.Table)...)
}

const (
	duplicate  = "value that stands more than once"
	duplicates = "values that stand more than once"
)

func (f FunctionReport) faults() []string {
	switch {
	case f.Unneeded || f.Note != "" && len(f.Unprivileged) == 0:
		return nil
	case !f.Exists:
		return []string{"function " + f.Name + "() is missing"}
	case !f.MakesV7 && f.Note == "":
		return []string{"function " + f.Name + "(): " + f.Fault}
	case len(f.Unprivileged) > 0:
		return []string{fmt.Sprintf("function %s(): no EXECUTE for %s, who may INSERT", f.Name, strings.Join(f.Unprivileged, ", "))}
	default:
		return nil
	}
}
