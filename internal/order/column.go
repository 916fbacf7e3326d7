package order

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// None selects no creation-time column.
const None = "none"

// Column is a table's creation-time column.
type Column struct {
	Name    string // "" for none
	Kind    Kind
	Unit    int64  // resolution in microseconds
	Zone    string // time zone of a timestamp without one; "" is UTC
	NotNull bool
	Reason  string // why this column was chosen, or why none was
}

// Kind is the type of a creation-time column.
type Kind string

// The types of creation times: PostgreSQL's types, and integers that count units since 1970.
const (
	Timestamp   Kind = "timestamp"
	Timestamptz Kind = "timestamptz"
	Date        Kind = "date"
	Seconds     Kind = "epoch seconds"
	Millis      Kind = "epoch milliseconds"
	Micros      Kind = "epoch microseconds"
)

// Choose returns a table's creation-time column: the requested one, else the profile's if it can be used, else one with a
// conventional name, preferring NOT NULL columns; the reason then says why the profile's cannot. requested may be "" for no
// request, None, or a column's name with or without a unit, as in creation_ts:ms. Choose returns an error if the requested
// column does not exist, is of a type without a time, or is an integer whose values do not fit one unit. For a requested
// integer column without any value that shows its unit, Choose returns no column.
func Choose(t catalog.Table, requested, profile, zone string) (Column, error) {
	switch requested {
	case "":
	case None:
		return Column{Unit: Microsecond, Reason: "as requested"}, nil
	default:
		c, err := resolve(t, requested, zone, "as requested")
		if _, ok := errors.AsType[*unknownUnitError](err); ok {
			return Column{Unit: Microsecond, Reason: err.Error()}, nil
		}
		return c, err
	}
	if profile == "" {
		return chooseByName(t, zone), nil
	}
	c, err := resolve(t, profile, zone, "from the profile")
	if err != nil {
		c = chooseByName(t, zone)
		c.Reason += "; not the profile's column: " + err.Error()
	}
	return c, nil
}

// Selector returns the value of --time-column that selects this column regardless of its values: its name, for an
// integer followed by its unit.
func (c Column) Selector() string {
	if unit := c.Kind.unit(); unit != "" {
		return c.Name + ":" + unit
	}
	return c.Name
}

// HasColumn reports whether a table has the column that a selector names.
func HasColumn(t catalog.Table, selector string) bool {
	c, _ := columnAndUnit(t, selector)
	return c != nil
}

// columnAndUnit splits a selector into a column of the table and a unit. The column is nil if the table has none.
func columnAndUnit(t catalog.Table, selector string) (c *catalog.Column, unit string) {
	if c = t.Column(selector); c != nil {
		return c, ""
	}
	if at := strings.LastIndex(selector, ":"); at > 0 && kindOfUnit(selector[at+1:]) != "" {
		return t.Column(selector[:at]), selector[at+1:]
	}
	return nil, ""
}

// TimeColumns returns the names of a table's columns that can be creation times: columns of a date or timestamp type, and
// numeric columns with a conventional name or with values of a known unit.
func TimeColumns(t catalog.Table) []string {
	var names []string
	for _, c := range t.Columns {
		_, _, time := typeResolution(c.Plain())
		if time || EpochByType(c) && (conventional(c.Name) || c.Epoch != "" && c.Epoch != mixed) {
			names = append(names, c.Name)
		}
	}
	return names
}

// resolve returns the column that a selector names.
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
	if !ok && EpochByType(*c) {
		return found.withUnit(t, *c, unit)
	}
	if unit != "" {
		return Column{}, fmt.Errorf("column %s of %s.%s is %s, which has no unit :%s", name, t.Schema, t.Name, c.Type, unit)
	}
	return Column{}, fmt.Errorf("column %s of %s.%s is %s, not a timestamp, a date or an integer", name, t.Schema, t.Name, c.Type)
}

// timestamp is format_type's spelling of a timestamp.
var timestamp = regexp.MustCompile(`^timestamp(?:\((\d)\))? (with|without) time zone$`)

// typeResolution parses a type name in format_type's spelling, such as timestamp(0) without time zone.
func typeResolution(kind string) (k Kind, unit int64, ok bool) {
	if kind == "date" {
		return Date, Day, true
	}
	parts := timestamp.FindStringSubmatch(kind)
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
