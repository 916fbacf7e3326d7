package discover

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// Selection is what a person said of the tables.
type Filter struct {
	Tables  []Pattern // only these; none means all
	Exclude []Pattern
}

// Verdict says what is done with a table, before anybody looked at its columns.
type Decision string

// The verdicts.
const (
	Chosen  Decision = "chosen"
	Skipped Decision = "skipped"
)

// Choice is one table and what becomes of it.
type Choice struct {
	Table       string
	Kind        catalog.Kind
	Decision    Decision
	Reason      string // why it is left alone
	Named       bool   // a pattern without wildcards names it
	OnlyIfNamed bool   // left alone only since nobody named it
}

// Choose says of every relation that holds rows what becomes of it, in the order of their names.
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

// Unmatched gives the patterns of a selection that match no table: a typing error, most likely.
func Unmatched(schema catalog.Schema, s Filter) []string {
	var lost []string
	for _, p := range slices.Concat(s.Tables, s.Exclude) {
		if !slices.ContainsFunc(schema.Relations, func(t catalog.Table) bool { return holdsRows(t.Kind) && p.Matches(t.Name) }) {
			lost = append(lost, p.Text)
		}
	}
	return lost
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
		c.Reason = "not among the tables asked for"
	case matches(s.Exclude, table.Name):
		c.Reason = "excluded"
	default:
		c.Reason = unsupported(table)
		if c.Reason == "" && !c.Named {
			c.Reason = programTable(schema, table)
			c.OnlyIfNamed = c.Reason != ""
		}
	}
	if c.Reason == "" {
		c.Decision = Chosen
	}
	return c
}

// nature says why a relation cannot be meant, whoever names it.
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

// keeper says whose a table is that is touched only when it is named.
func programTable(schema catalog.Schema, table *catalog.Table) string {
	name := table.Name
	if table.Extension != "" {
		return "it belongs to the extension " + table.Extension
	}
	if who := bookkeepingOf(schema.Name, table); who != "" {
		return "the bookkeeping of " + who
	}
	const kit = "phoenix_kit"
	if (name == kit || strings.HasPrefix(name, kit+"_")) && schema.Relation(kit) != nil {
		return "PhoenixKit's: use --profile phoenixkit"
	}
	if strings.HasPrefix(name, "template_") && schema.Relation("part_config") != nil {
		return "pg_partman's template of a partitioned table"
	}
	return ""
}

// Twice gives the names that a list of patterns says more than once: one of them was meant otherwise.
func Duplicates(patterns []Pattern) []string {
	var twice []string
	for i, p := range patterns {
		same := func(other Pattern) bool { return other.Text == p.Text }
		if slices.ContainsFunc(patterns[:i], same) && !slices.Contains(twice, p.Text) {
			twice = append(twice, p.Text)
		}
	}
	return twice
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
