package order

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// Units of integers that count the time since 1970-01-01 00:00:00 UTC, as --time-column spells them.
const (
	seconds = "s"
	millis  = "ms"
	micros  = "us"
	mixed   = "mixed"
)

// Millisecond is a millisecond in microseconds.
const Millisecond = 1000 * Microsecond

// Micros returns the microseconds of one count of an integer, 0 for a type that is a time itself.
func (k Kind) Micros() int64 {
	switch k {
	case Seconds:
		return Second
	case Millis:
		return Millisecond
	case Micros:
		return Microsecond
	default:
		return 0
	}
}

func (k Kind) unit() string {
	switch k {
	case Seconds:
		return seconds
	case Millis:
		return millis
	case Micros:
		return micros
	default:
		return ""
	}
}

func kindOfUnit(unit string) Kind {
	switch unit {
	case seconds:
		return Seconds
	case millis:
		return Millis
	case micros:
		return Micros
	default:
		return ""
	}
}

// EpochByName reports whether a column can hold a time as a number and has the name of a creation time. Unless the user
// requests a column, rekey reads the values of such columns only to find their unit.
func EpochByName(c catalog.Column) bool { return EpochByType(c) && conventional(c.Name) }

// EpochByType reports whether a column's type can hold a time as a number.
func EpochByType(c catalog.Column) bool {
	kind, _, _ := strings.Cut(c.Plain(), "(")
	return slices.Contains([]string{"integer", "bigint", "numeric"}, kind)
}

// earliestEpoch is 1990-01-01 in seconds, the earliest time that identifies a unit. The windows of two units are a factor
// of a thousand apart, so that no value lies in both.
const earliestEpoch = 631_152_000

// UnitOf returns the unit of a column whose positive values lie between smallest and largest: the one in which both are
// times between 1990 and a day after now, which is in seconds since 1970. It returns "mixed" if there is none.
func UnitOf(smallest, largest float64, now int64) string {
	const day = 86_400
	for _, unit := range []string{seconds, millis, micros} {
		scale := float64(Second / kindOfUnit(unit).Micros())
		if smallest >= earliestEpoch*scale && largest <= float64(now+day)*scale {
			return unit
		}
	}
	return mixed
}

// unknownUnitError reports that no value shows the unit of an integer column.
type unknownUnitError struct{ column string }

func (e *unknownUnitError) Error() string {
	return "no row has a value in " + e.column + " that shows its unit (s, ms or us)"
}

// withUnit completes a column of integers with its unit: the requested one, else the one that the values show, else the
// one that the name ends with.
func (c Column) withUnit(t catalog.Table, source catalog.Column, unit string) (Column, error) {
	if unit == "" {
		unit = source.Epoch
	}
	if unit == "" {
		unit = unitSuffix(source.Name)
	}
	switch c.Kind = kindOfUnit(unit); {
	case unit == "":
		return Column{}, &unknownUnitError{source.Name}
	case c.Kind == "":
		return Column{}, fmt.Errorf("column %s of %s.%s is %s, and its values do not show whether they are seconds, milliseconds or microseconds since 1970; "+
			"add the unit: %s:s, %s:ms or %s:us", source.Name, t.Schema, t.Name, source.Type, source.Name, source.Name, source.Name)
	}
	c.Unit = c.Kind.Micros()
	if strings.HasPrefix(source.Plain(), "numeric") {
		c.Unit = Microsecond // a numeric may have a fraction
	}
	return c, nil
}
