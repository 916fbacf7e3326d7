package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/order"
)

// values says how the rows of a table get their values.
func values(o rekey.Order) string {
	switch {
	case o.Source == rekey.FromNothing:
		return "random, version 4: " + o.Why
	case o.Source == rekey.FromMigration:
		return "by the clock, in no order of creation: " + o.Why
	case o.Column == "":
		return "in the order of the key, all at the time when the column gets its default: " + o.Why
	}
	text := fmt.Sprintf("in the order of creation, by %s (%s, to the %s", o.Column, o.Type, resolution(o.Resolution))
	if o.Type == string(order.Timestamp) {
		text += ", read as " + o.Zone
	}
	text += ")"
	if len(o.Key) > 0 {
		text += ", then " + strings.Join(o.Key, ", ")
	}
	text += ": " + o.Why
	if o.TimeCounts == nil {
		return text + "; too large a table to count times that are none"
	}
	return text + bent(*o.TimeCounts, len(o.Key) > 0)
}

func resolution(unit time.Duration) string {
	switch unit {
	case time.Microsecond:
		return "microsecond"
	case time.Millisecond:
		return "millisecond"
	case time.Second:
		return "second"
	case 24 * time.Hour:
		return "day"
	default:
		return unit.String()
	}
}

// bent names the rows whose times are not taken as they are.
func bent(t rekey.TimeCounts, key bool) string {
	var parts []string
	lent := "without a time, put beside the row before"
	if !key {
		lent = "without a time, put at the time when the column gets its default"
	}
	for _, counted := range []struct {
		n    int64
		what string
	}{
		{t.WithoutTime, lent},
		{t.Before1970, "before 1970, put there"},
		{t.InTheFuture, "in the future, put at the time when the column gets its default"},
	} {
		if counted.n > 0 {
			parts = append(parts, plural(int(counted.n), "row", "rows")+" "+counted.what)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}
