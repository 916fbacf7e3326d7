// Package doctor judges everything that would make a run refuse or crawl, before it begins: what the plan refuses, who holds locks,
// what holds dead rows or WAL back, the settings and rights. It is pure.
package doctor

import (
	"cmp"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/problem"
)

// Level says what a finding does to a run.
type Level string

// The levels, the gravest first.
const (
	Refuses Level = "refuses" // the run would not begin
	Slows   Level = "slows"   // the run would wait, pause, or take longer
	Hidden  Level = "hidden"  // the role may not see it
	Fine    Level = "fine"
)

// Finding is one thing that was examined.
type Finding struct {
	Level Level
	Name  string // such as "lease", or the code of a refusal
	Text  string // one or more sentences without a line break; of a fine one a few words
	Hint  string // the next command or statement; "" for none
	Count int    // how many of its kind there are
}

// Facts are what findings are made from.
type Facts struct {
	Server   catalog.Server
	Schema   string
	Pooled   bool         // the connection for indexes goes through a pooler
	Refusals problem.List // of the plan, the rights and the signals
	Forecast bool         // the run was forecast
	Risks    []Risk       // of the forecast, the gravest first
	Sort     int64        // bytes of temporary files of the largest index build, as forecast
	Without  []string     // the names of the risks that were not found
	Events   []catalog.EventTrigger
	Lease    *Lease
	LastRun  *LastRun
	Health   catalog.Health
	Pending  bool // the run has something to do

	Here    time.Time // the clock of this process when the server's was read
	Standby int       // the number of standbys that are read
}

// Risk is a named risk of the forecast.
type Risk struct{ Name, Text, Hint string }

// Lease is the lease of the schema, live or not.
type Lease struct {
	Command, Host string
	PID           int
	Since         time.Time
	Silent        time.Duration // since its last heartbeat
	Live          bool
	Paused        string // why it pauses; "" if it does not
}

// LastRun is the last run in the schema.
type LastRun struct {
	Command, Outcome string
	Started          time.Time
	Ended            bool
}

// Examine returns the findings, the gravest first.
func Examine(f Facts) []Finding {
	var all []Finding
	for _, examine := range []func(Facts) []Finding{
		connection, cluster, refusals, lease, journalState, events, standbys, locks, risks, vacuum, temporary, settings, freeSpace, clock, visibility,
	} {
		all = append(all, examine(f)...)
	}
	troubled := map[string]bool{}
	for _, one := range all {
		troubled[one.Name] = troubled[one.Name] || one.Level != Fine
	}
	all = slices.DeleteFunc(all, func(one Finding) bool { return one.Level == Fine && troubled[one.Name] }) // not both
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(rank(a.Level), rank(b.Level)) })
	return all
}

func rank(l Level) int { return slices.Index([]Level{Refuses, Slows, Hidden, Fine}, l) }

// Ready reports whether a run would begin.
func Ready(all []Finding) bool {
	return !slices.ContainsFunc(all, func(f Finding) bool { return f.Level == Refuses })
}

func fine(name, text string) []Finding { return []Finding{{Level: Fine, Name: name, Text: text}} }
