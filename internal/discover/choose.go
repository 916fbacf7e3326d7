package discover

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/profile"
)

// Filter selects tables by their names.
type Filter struct {
	Tables  []Pattern // only these tables; empty for all
	Exclude []Pattern

	Libraries []profile.Library // whose tables are skipped unless a pattern names them
}

// Decision is whether a table gets a column, before its columns are checked.
type Decision string

// The decisions.
const (
	Chosen  Decision = "chosen"
	Skipped Decision = "skipped"
)

// Choice is the decision on one table.
type Choice struct {
	Table       string
	Kind        catalog.Kind
	Decision    Decision
	Reason      string // why the table is skipped
	Named       bool   // a pattern without wildcards names the table
	OnlyIfNamed bool   // the table is skipped only because no pattern names it
}

// Choose returns the decision on every relation that holds or shows rows, sorted by name.
func Choose(schema catalog.Schema, s Filter) []Choice {
	var choices []Choice
	for i := range schema.Relations {
		table := &schema.Relations[i]
		if !holdsRows(table.Kind) {
			continue
		}
		choices = append(choices, choose(schema, table, s))
	}
	slices.SortFunc(choices, func(a, b Choice) int { return strings.Compare(a.Table, b.Table) })
	return choices
}

// Unmatched returns the patterns of a filter that match no table, since they are probably misspelled.
func Unmatched(schema catalog.Schema, s Filter) []string {
	var unmatched []string
	for _, p := range slices.Concat(s.Tables, s.Exclude) {
		if !slices.ContainsFunc(schema.Relations, func(t catalog.Table) bool { return holdsRows(t.Kind) && p.Matches(t.Name) }) {
			unmatched = append(unmatched, p.Text)
		}
	}
	return unmatched
}

func holdsRows(kind catalog.Kind) bool {
	switch kind {
	case catalog.Ordinary, catalog.Partitioned, catalog.View, catalog.MaterializedView, catalog.Foreign:
		return true
	default:
		return false
	}
}

func choose(schema catalog.Schema, table *catalog.Table, s Filter) Choice {
	c := Choice{Table: table.Name, Kind: table.Kind, Decision: Skipped, Named: named(s.Tables, table.Name)}
	switch {
	case len(s.Tables) > 0 && !matches(s.Tables, table.Name):
		c.Reason = "not among the selected tables"
	case matches(s.Exclude, table.Name):
		c.Reason = "excluded"
	default:
		c.Reason = unsupported(table)
		if c.Reason == "" && !c.Named {
			c.Reason = programTable(schema, table, s.Libraries)
			c.OnlyIfNamed = c.Reason != ""
		}
	}
	if c.Reason == "" {
		c.Decision = Chosen
	}
	return c
}

// unsupported returns why a relation cannot get a column, even if a pattern names it; "" if it can.
func unsupported(table *catalog.Table) string {
	switch {
	case table.Kind != catalog.Ordinary && table.Kind != catalog.Partitioned:
		return "a " + table.Kind.String()
	case table.Persistence == "t":
		return "a temporary table"
	case table.Partition:
		return "a partition: it gets what its partitioned table gets"
	case table.Parents > 0:
		return "a child by inheritance: it gets what its parent gets"
	default:
		return ""
	}
}

// programTable returns why a table is skipped unless a pattern names it: it belongs to a program or an extension.
func programTable(schema catalog.Schema, table *catalog.Table, libraries []profile.Library) string {
	name := table.Name
	if table.Extension != "" {
		return "it belongs to the extension " + table.Extension
	}
	if program := bookkeepingOf(schema.Name, table); program != "" {
		return "the bookkeeping of " + program
	}
	for _, l := range libraries {
		if (name == l.VersionTable || strings.HasPrefix(name, l.VersionTable+"_")) && schema.Relation(l.VersionTable) != nil {
			return l.Title + "'s: use --profile " + l.Name
		}
	}
	if strings.HasPrefix(name, "template_") && schema.Relation("part_config") != nil {
		return "pg_partman's template of a partitioned table"
	}
	return ""
}

// Duplicates returns the patterns that a list contains more than once, since one of them is probably misspelled.
func Duplicates(patterns []Pattern) []string {
	var duplicates []string
	for i, p := range patterns {
		same := func(other Pattern) bool { return other.Text == p.Text }
		if slices.ContainsFunc(patterns[:i], same) && !slices.Contains(duplicates, p.Text) {
			duplicates = append(duplicates, p.Text)
		}
	}
	return duplicates
}

func matches(patterns []Pattern, name string) bool {
	return slices.ContainsFunc(patterns, func(p Pattern) bool { return p.Matches(name) })
}

func named(patterns []Pattern, name string) bool {
	return slices.ContainsFunc(patterns, func(p Pattern) bool {
		exact, ok := p.Exact()
		return ok && exact == name
	})
}
