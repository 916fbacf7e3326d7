package order

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// Units of integers that count the time since 1970-01-01 00:00:00 UTC, as --time-column has them.
const (
	seconds = "s"
	millis  = "ms"
	micros  = "us"
	mixed   = "mixed"
)

// Millisecond is a millisecond in microseconds.
const Millisecond = 1000 * Microsecond

// Per returns how many microseconds one of an integer's counts has; 0 of a type that is a time itself.
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

// Countable reports whether a column may hold a time as a number: its type can, and its name is one that
// creation times have. Only of such a column the values are read to find their unit, unless it is asked for.
func EpochByName(c catalog.Column) bool { return isNumber(c) && conventional(c.Name) }

// Number reports whether a column of its type may hold a time as a number.
func EpochByType(c catalog.Column) bool { return isNumber(c) }

// counts reports whether a type holds whole numbers that can be times.
func isNumber(c catalog.Column) bool {
	kind, _, _ := strings.Cut(c.Plain(), "(")
	return slices.Contains([]string{"integer", "bigint", "numeric"}, kind)
}

// The earliest time that a unit is recognized by, 1990-01-01, in seconds: the windows of the units are
// a thousandfold apart, so that no value is in two of them.
const earliestEpoch = 631_152_000

// UnitOf returns the unit that the smallest and the largest of some positive values show: both lie
// between 1990 and a day from now, a time in seconds since 1970, in that unit and so in no other.
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

// timelessError says that no value shows the unit of an integer column.
type unknownUnitError struct{ column string }

func (e *unknownUnitError) Error() string {
	return "no row has a value in " + e.column + " that shows its unit (s, ms or us)"
}

// counted completes a column of integers. The unit is the one that was asked for, else the one that the
// values show, else the one that the name ends with.
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
		c.Unit = Microsecond // it may have a fraction
	}
	return c, nil
}
