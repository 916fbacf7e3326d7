package order

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// None is the choice of no creation-time column.
const None = "none"

// Column is a table's creation-time column.
type Column struct {
	Name    string // "" is none
	Kind    Kind
	Unit    int64  // its resolution in microseconds
	Zone    string // of a timestamp without one; "" is UTC
	NotNull bool
	Reason  string // why this one, or why none
}

// Kind is the type of a creation-time column.
type Kind string

// The types of times, and the units of integers that count the time since 1970.
const (
	Timestamp   Kind = "timestamp"
	Timestamptz Kind = "timestamptz"
	Date        Kind = "date"
	Seconds     Kind = "epoch seconds"
	Millis      Kind = "epoch milliseconds"
	Micros      Kind = "epoch microseconds"
)

// Choose returns a table's creation-time column: the one that was asked for ("" leaves the choice, None is
// none), else the one that the profile names and the table has, else one of a conventional name, one that is
// NOT NULL first. A name may carry a unit, as in creation_ts:ms. An error says why what was asked for cannot
// be: there is no such column, it has no time, or its unit is not known.
func Choose(t catalog.Table, asked, profile, zone string) (Column, error) {
	switch asked {
	case "":
	case None:
		return Column{Unit: Microsecond, Reason: "asked for"}, nil
	default:
		c, err := resolve(t, asked, zone, "asked for")
		if _, ok := errors.AsType[*unknownUnitError](err); ok {
			return Column{Unit: Microsecond, Reason: err.Error()}, nil
		}
		return c, err
	}
	if c, err := resolve(t, profile, zone, "the profile's"); profile != "" && err == nil {
		return c, nil
	}
	if c, ok := chooseByName(t, zone); ok {
		return c, nil
	}
	return Column{Unit: Microsecond, Reason: "no column of a usual name tells a time"}, nil
}

// Asked returns the words that choose this column again, independent of its values by then: the name, with the
// unit of an integer.
func (c Column) Selector() string {
	if unit := c.Kind.unit(); unit != "" {
		return c.Name + ":" + unit
	}
	return c.Name
}

// Has reports whether a table has the column that a choice names, with or without a unit.
func HasColumn(t catalog.Table, asked string) bool {
	c, _ := columnAndUnit(t, asked)
	return c != nil
}

// unitOf finds the column that a choice names, and the unit behind it.
func columnAndUnit(t catalog.Table, asked string) (c *catalog.Column, unit string) {
	if c = t.Column(asked); c != nil {
		return c, ""
	}
	if at := strings.LastIndex(asked, ":"); at > 0 && kindOfUnit(asked[at+1:]) != "" {
		return t.Column(asked[:at]), asked[at+1:]
	}
	return nil, ""
}

// Telling names the columns of a table that have a time: columns of a time's type, and integers of a name that
// creation times have.
func TimeColumns(t catalog.Table) []string {
	var names []string
	for _, c := range t.Columns {
		_, _, time := typeResolution(c.Plain())
		if time || isNumber(c) && (conventional(c.Name) || c.Epoch != "" && c.Epoch != mixed) {
			names = append(names, c.Name)
		}
	}
	return names
}

func resolve(t catalog.Table, name, zone, reason string) (Column, error) {
	c, unit := columnAndUnit(t, name)
	if c == nil {
		return Column{}, fmt.Errorf("%s.%s has no column %s", t.Schema, t.Name, name)
	}
	name = c.Name
	found := Column{Name: name, NotNull: c.NotNull, Reason: reason}
	var ok bool
	if found.Kind, found.Unit, ok = typeResolution(c.Plain()); ok && unit == "" {
		if found.Kind == Timestamp && !strings.EqualFold(zone, "UTC") {
			found.Zone = zone
		}
		return found, nil
	}
	if !ok && isNumber(*c) {
		return found.withUnit(t, *c, unit)
	}
	if unit != "" {
		return Column{}, fmt.Errorf("column %s of %s.%s is %s, and :%s is the unit of an integer", name, t.Schema, t.Name, c.Type, unit)
	}
	return Column{}, fmt.Errorf("column %s of %s.%s is %s, not a timestamp, a date or an integer", name, t.Schema, t.Name, c.Type)
}

// resolution reads a type as format_type writes it: timestamp(0) without time zone.
func typeResolution(kind string) (k Kind, unit int64, ok bool) {
	if kind == "date" {
		return Date, Day, true
	}
	parts := regexp.MustCompile(`^timestamp(?:\((\d)\))? (with|without) time zone$`).FindStringSubmatch(kind)
	if parts == nil {
		return "", 0, false
	}
	k, unit = Timestamp, Microsecond
	if parts[2] == "with" {
		k = Timestamptz
	}
	const digitsOfMicros = 6
	digits, err := strconv.Atoi(parts[1])
	if err != nil {
		digits = digitsOfMicros
	}
	for range digitsOfMicros - digits {
		unit *= 10
	}
	return k, unit, true
}
