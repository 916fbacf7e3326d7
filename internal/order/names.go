package order

import (
	"slices"
	"strings"
	"sync"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// tier is a set of column names in the order of preference, in lower case and without underscores, so that created_at,
// createdAt and CreatedAt are one name.
type tier struct {
	names []string
	// fits reports whether a column with such a name qualifies.
	fits func(catalog.Column) bool
}

// tiers returns the names of creation-time columns. A tier counts only if the table has no column of an earlier one. Times
// that change or lie in the future are not listed: updated_at, modified_at, deleted_at, expires_at, starts_at,
// last_seen_at, scheduled_at.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var tiers = sync.OnceValue(func() []tier {
	return []tier{
		{ // The row's creation, as frameworks and conventions name it.
			names: []string{
				"insertedat", "createdat", "dateadded", "datecreated", "created", "createdon", "creationdate",
				"createtime", "createdtime", "creationtime", "createdate", "createddate", "createat",
				"creationts", "createdts", "createts", "creationtimestamp", "createdtimestamp", "createtimestamp",
				"createdutc", "createdatutc", "createdonutc", "createddatetime", "creationdatetime", "createdatetime",
				"inserttime", "insertedtime", "insertdate", "inserteddate", "insertedon", "inserted", "dateinserted", "insertts",
				"datecreation", "datecreate", "timecreated", "whencreated", "recordcreatedat", "rowcreatedat", "syscreatedon",
				"addedat", "addedon", "dateadd", "addtime", "timeadded",
			},
			fits: func(catalog.Column) bool { return true },
		},
		{ // Events at the row's creation that may be recorded later: only NOT NULL columns.
			names: []string{
				"registeredat", "registeredon", "dateregistered", "registrationdate", "registrationtime",
				"joinedat", "joinedon", "datejoined", "joindate", "signedupat", "signupdate", "recordedat", "loggedat", "receivedat", "ingestedat",
			},
			fits: func(c catalog.Column) bool { return c.NotNull },
		},
		{ // Times that may be in the future or change: only columns whose default is the clock.
			names: []string{
				"publishedat", "published", "publishedon", "postedat", "postedon", "submittedat", "occurredat", "eventtime", "eventdate",
				"entrydate", "logdate", "logtime", "timestamp", "date", "time", "ts",
			},
			fits: func(c catalog.Column) bool { return c.DefaultsToNow },
		},
	}
})

// normalize returns a name in the spelling of tiers.
func normalize(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, name))
}

// unitSuffixes returns the endings of names that give an integer's unit, longer ones first.
func unitSuffixes() [][2]string {
	return [][2]string{
		{"milliseconds", millis},
		{"microseconds", micros},
		{"seconds", seconds},
		{"millis", millis},
		{"micros", micros},
		{"secs", seconds},
		{"sec", seconds},
		{"msec", millis},
		{"usec", micros},
		{"ms", millis},
		{"us", micros},
		{"s", seconds},
		{"epoch", ""},
		{"unix", ""},
		{"ts", ""},
	}
}

// cutUnit splits a name into the part before its unit and the unit.
func cutUnit(name string) (rest, unit string) {
	name = normalize(name)
	for _, suffix := range unitSuffixes() {
		if rest, ok := strings.CutSuffix(name, suffix[0]); ok && known(rest) {
			return rest, suffix[1]
		}
	}
	return name, ""
}

func unitSuffix(name string) string {
	_, unit := cutUnit(name)
	return unit
}

func known(name string) bool {
	return slices.ContainsFunc(tiers(), func(t tier) bool { return slices.Contains(t.names, name) })
}

// conventional reports whether a name is a creation time's, with or without a unit.
func conventional(name string) bool {
	rest, _ := cutUnit(name)
	return known(rest)
}

// chooseByName returns the column with the most preferred name; without a name if the table has none of them.
func chooseByName(t catalog.Table, zone string) Column {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = tierName(c)
	}
	for _, tier := range tiers() {
		if found := tier.choose(t, names, zone); found != nil {
			return *found
		}
	}
	return Column{Unit: Microsecond, Reason: "no creation-time column found"}
}

// choose returns the table's column with the first of the tier's names that fits, preferring NOT NULL columns. names holds
// the columns' names as tierName returns them.
func (tier tier) choose(t catalog.Table, names []string, zone string) (found *Column) {
	for _, name := range tier.names {
		for i, c := range t.Columns {
			if names[i] != name || !tier.fits(c) {
				continue
			}
			read, err := resolve(t, c.Name, zone, "recognized by name and type")
			if err == nil && (found == nil || c.NotNull && !found.NotNull) {
				found = &read
			}
		}
	}
	return found
}

// tierName returns a column's name in the spelling of tiers, for an integer without its unit.
func tierName(c catalog.Column) string {
	if EpochByType(c) {
		rest, _ := cutUnit(c.Name)
		return rest
	}
	return normalize(c.Name)
}
