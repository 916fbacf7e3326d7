package order

import (
	"slices"
	"strings"
	"sync"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// tier is a set of names of columns, in the order of preference, without underscores and in lower case: so
// created_at, createdAt and CreatedAt are one name.
type tier struct {
	names []string
	// fit says what else must hold of a column of such a name.
	fits func(catalog.Column) bool
}

// tiers returns the names of creation-time columns. A later tier counts only where the table has no column of
// an earlier one. Never among them are names of times that change or lie ahead: updated_at, modified_at,
// deleted_at, expires_at, starts_at, last_seen_at, scheduled_at.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var tiers = sync.OnceValue(func() []tier {
	return []tier{
		{ // The creation of the row, as frameworks and conventions call it.
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
		{ // What happens once, when the row is made, but may be made up for later: only where each row has it.
			names: []string{
				"registeredat", "registeredon", "dateregistered", "registrationdate", "registrationtime",
				"joinedat", "joinedon", "datejoined", "joindate", "signedupat", "signupdate", "recordedat", "loggedat", "receivedat", "ingestedat",
			},
			fits: func(c catalog.Column) bool { return c.NotNull },
		},
		{ // What may be any time, also one ahead, or change: only where the INSERT takes it from the clock.
			names: []string{
				"publishedat", "published", "publishedon", "postedat", "postedon", "submittedat", "occurredat", "eventtime", "eventdate",
				"entrydate", "logdate", "logtime", "timestamp", "date", "time", "ts",
			},
			fits: func(c catalog.Column) bool { return c.Clocked },
		},
	}
})

// plain is a name as tiers have it.
func normalize(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, name))
}

// suffixes are the ends of names that name the unit of an integer, the longer ones first.
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

// unsuffixed takes the unit off a name, and returns it.
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

// conventional reports whether a name is one of a creation time, with or without a unit.
func conventional(name string) bool {
	rest, _ := cutUnit(name)
	return known(rest)
}

// byName returns the column that the names choose.
func chooseByName(t catalog.Table, zone string) (Column, bool) {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = tierName(c)
	}
	for _, tier := range tiers() {
		if found := tier.choose(t, names, zone); found != nil {
			return *found, true
		}
	}
	return Column{}, false
}

// choose returns the table's column by the first of the tier's names that fits, a NOT NULL column before others. Names has the
// columns' names, as byTier returns them.
func (tier tier) choose(t catalog.Table, names []string, zone string) (found *Column) {
	for _, name := range tier.names {
		for i, c := range t.Columns {
			if names[i] != name || !tier.fits(c) {
				continue
			}
			read, err := resolve(t, c.Name, zone, "by its name and type")
			if err == nil && (found == nil || c.NotNull && !found.NotNull) {
				found = &read
			}
		}
	}
	return found
}

// byTier is a column's name as tiers have it; of an integer the name without its unit.
func tierName(c catalog.Column) string {
	if isNumber(c) {
		rest, _ := cutUnit(c.Name)
		return rest
	}
	return normalize(c.Name)
}
