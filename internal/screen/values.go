package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/order"
)

// brief returns the source of a table's values in a few words, for a table.
func brief(o *rekey.Order) string {
	switch {
	case o == nil:
		return ""
	case o.Source == rekey.FromRandom:
		return "random"
	case o.Source == rekey.FromMigration:
		return "migration time"
	case o.Column == "":
		return strings.Join(o.Key, ", ")
	}
	return strings.Join(append([]string{o.Column}, o.Key...), ", ")
}

// values describes the source of a table's values in full.
func values(o rekey.Order) string {
	switch {
	case o.Source == rekey.FromRandom:
		return "random, version 4: " + o.Why
	case o.Source == rekey.FromMigration:
		return "UUIDv7 with the migration's time, in no order: " + o.Why
	case o.Column == "":
		return "UUIDv7 in key order, all with the migration's time: " + o.Why
	}
	text := fmt.Sprintf("UUIDv7 in the order of creation, by %s (%s, to the %s", o.Column, o.Type, resolution(o.Resolution))
	if o.Type == string(order.Timestamp) {
		text += ", read as " + o.Zone
	}
	text += ")"
	if len(o.Key) > 0 {
		text += ", then " + strings.Join(o.Key, ", ")
	}
	text += ": " + o.Why
	if o.TimeCounts == nil {
		return text + "; unusable times were not counted, since the table is large"
	}
	if counts := unusableTimes(*o.TimeCounts, len(o.Key) > 0); counts != "" {
		text += "; " + counts
	}
	return text
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

// unusableTimes counts the rows whose times are not used as they are, and says what they get; "" if there are none.
func unusableTimes(t rekey.TimeCounts, key bool) string {
	var parts []string
	without := "without a time, which get the time of the row before"
	if !key {
		without = "without a time, which get the migration's time"
	}
	for _, counted := range []struct {
		n    int64
		what string
	}{
		{t.WithoutTime, without},
		{t.Before1970, "before 1970, which get 1970"},
		{t.InTheFuture, "in the future, which get the migration's time"},
	} {
		if counted.n > 0 {
			parts = append(parts, plural(int(counted.n), "row", "rows")+" "+counted.what)
		}
	}
	return strings.Join(parts, "; ")
}
