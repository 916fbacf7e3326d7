package verify

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/message"
)

// differences returns one line for each difference of a table from the goal.
func (t TableReport) differences() []string {
	var lines []string
	for _, missing := range t.Missing {
		lines = append(lines, fmt.Sprintf("%s: no %s", t.Table, missing))
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
	return append(append(lines, t.Order.differences(t.Table)...), t.Copies.differences(t.Table)...)
}

const (
	duplicate  = "value that occurs more than once"
	duplicates = "values that occur more than once"
)

func (f FunctionReport) differences() []string {
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
