package order

import (
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

// The types that tell a time.
const (
	Timestamp   Kind = "timestamp"
	Timestamptz Kind = "timestamptz"
	Date        Kind = "date"
)

// names are those that creation-time columns usually have, in the order in which they are looked for.
func names() []string {
	return []string{"inserted_at", "created_at", "date_added", "date_created", "created", "created_on", "creation_date"}
}

// Choose gives a table's creation-time column: the one that was asked for ("" leaves the choice, None is
// none), else the one that the profile names and the table has, else by name, one that is NOT NULL first.
// An error says that what was asked for cannot be: there is no such column, or it tells no time.
func Choose(t catalog.Table, asked, profile, zone string) (Column, error) {
	switch asked {
	case "":
	case None:
		return Column{Unit: Microsecond, Reason: "asked for"}, nil
	default:
		return read(t, asked, zone, "asked for")
	}
	if c, err := read(t, profile, zone, "the profile's"); profile != "" && err == nil {
		return c, nil
	}
	if c, ok := byName(t, zone); ok {
		return c, nil
	}
	return Column{Unit: Microsecond, Reason: "no column of a usual name tells a time"}, nil
}

// Telling names the columns of a table that tell a time.
func Telling(t catalog.Table) []string {
	var names []string
	for _, c := range t.Columns {
		if _, _, ok := resolution(c.Type); ok {
			names = append(names, c.Name)
		}
	}
	return names
}

func byName(t catalog.Table, zone string) (Column, bool) {
	var found *Column
	for _, name := range names() {
		c, err := read(t, name, zone, "by its name and type")
		if err != nil || found != nil && !c.NotNull {
			continue
		}
		if found = &c; c.NotNull {
			break
		}
	}
	if found == nil {
		return Column{}, false
	}
	return *found, true
}

func read(t catalog.Table, name, zone, reason string) (Column, error) {
	c := t.Column(name)
	if c == nil {
		return Column{}, fmt.Errorf("%s.%s has no column %s", t.Schema, t.Name, name)
	}
	kind, unit, ok := resolution(c.Type)
	if !ok {
		return Column{}, fmt.Errorf("column %s of %s.%s is %s, not a timestamp or a date", name, t.Schema, t.Name, c.Type)
	}
	if kind != Timestamp || strings.EqualFold(zone, "UTC") {
		zone = ""
	}
	return Column{Name: name, Kind: kind, Unit: unit, Zone: zone, NotNull: c.NotNull, Reason: reason}, nil
}

// resolution reads a type as format_type writes it: timestamp(0) without time zone.
func resolution(kind string) (k Kind, unit int64, ok bool) {
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
	const most = 6
	digits, err := strconv.Atoi(parts[1])
	if err != nil {
		digits = most
	}
	for range most - digits {
		unit *= 10
	}
	return k, unit, true
}
