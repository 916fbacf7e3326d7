package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Source is where the times in a table's values come from.
type Source string

// The sources.
const (
	ByColumn Source = "column" // the rows' creation-time column, or else their key
	ByClock  Source = "now"    // the time of the backfill
	AtRandom Source = "random" // no time: version 4
)

// Values is what the user wants the values to contain. A setting refers to a table by any of its names in the profile.
type Values struct {
	Source  Source            // of all tables; "" is ByColumn
	Sources map[string]Source // of some
	Columns map[string]string // their creation-time columns, or order.None; a key with * or ? is a pattern, for the tables that have the column
	Zone    string            // in which a timestamp without one is read; "" is UTC
	Random  []string          // tables that get version 4
}

func (v Values) source(names []string) Source {
	for _, name := range names {
		if source, ok := v.Sources[name]; ok {
			return source
		}
	}
	return v.Source
}

// column returns the creation-time column that a setting names for a table: by the table's name, or else by the longest
// pattern that matches it and whose column it has.
func (v Values) column(names []string, table *catalog.Table) string {
	for _, name := range names {
		if column, ok := v.Columns[name]; ok {
			return column
		}
	}
	return columnByPattern(v.Columns, names, table)
}

func (v Values) random(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(v.Random, name) })
}

// Order is how the rows of a table are ordered for their values.
type Order struct {
	Source Source
	Column order.Column // with ByColumn; without a name only the key orders the rows
	Key    []string     // with ByColumn; without a key, rows with equal times are in no order
	Why    string       // why the rows are ordered this way
}

// chooseOrder decides how the rows of a table are ordered.
func (g TableGoal) chooseOrder(v Values) (Order, *problem.Problem) {
	names, target, table := g.Names, g.Target, g.Table
	if target.Random() {
		return Order{Source: AtRandom, Why: "the values of this table contain no time"}, nil
	}
	if v.source(names) == ByClock {
		return Order{Source: ByClock, Why: "as requested"}, nil
	}
	requested := v.column(names, table)
	column, err := order.Choose(*table, requested, g.Time, v.Zone)
	if err != nil {
		return Order{}, message.BadTimeColumn(target.String(), requested, err.Error(), order.TimeColumns(*table))
	}
	if others := order.TimeColumns(*table); column.Name == "" && requested == "" && len(others) > 0 {
		column.Reason += "; candidates: " + strings.Join(others, ", ") + " (--time-column " + names[0] + "=" + others[0] + ")"
	}
	return Order{Source: ByColumn, Column: column}.withKey(table.OrderKey(target.Column)), nil
}

// withKey returns the order with a key, which may be nil.
func (o Order) withKey(key []string) Order {
	if o.Source != ByColumn {
		return o
	}
	switch o.Key, o.Why = key, o.Column.Reason; {
	case key != nil:
	case o.Column.Name == "":
		return Order{Source: ByClock, Why: "the table has neither a creation-time column nor a key"}
	default:
		o.Why += "; the table has no key to order rows with equal times"
	}
	return o
}

// OrderOf returns the order of a table of a group from its current catalogue: the group's table, or one below it, which may
// be new.
func (p Plan) OrderOf(g Group, t step.Target, table *catalog.Table) Order {
	if table == nil {
		return g.Order
	}
	if t.Root.Name == "" {
		return g.Order.withKey(table.OrderKey(t.Column))
	}
	values := p.values
	if c := g.Order.Column; c.Kind.Micros() > 0 && values.column([]string{g.Table.Name}, table) == "" {
		values.Columns = map[string]string{g.Table.Name: c.Selector()} // the unit found in the rows of the whole tree
	}
	found, cannot := TableGoal{Target: t, Table: table, Names: []string{g.Table.Name}}.chooseOrder(values)
	if cannot != nil { // the named column has an unusable type in this table
		return Order{Source: ByClock, Why: cannot.Error()}
	}
	return found
}

// withValueKind returns the goal with the kind of its values. The mark on an existing column says whether they are random.
func (g TableGoal) withValueKind(v Values) (TableGoal, *problem.Problem) {
	t := g.Target.WithValuesOf(g.Table)
	g.Target = t
	if t.Random() || !v.random(g.Names) {
		return g, nil
	}
	if origin, _ := t.Read(g.Table); origin == step.Made || origin == step.Found {
		return g, message.RandomTooLate(t.String(), t.Column)
	}
	g.Target = t.WithRandomValues()
	return g, nil
}

// refuseUnknownTables refuses settings for tables that do not get a column. Only the schema shows this in a schema run.
func (v Values) refuseUnknownTables(schema string, chosen []string) (found problem.List) {
	for _, named := range []struct {
		flag   string
		tables []string
	}{
		{"--time-source", slices.Sorted(maps.Keys(v.Sources))},
		{timeColumn, slices.Sorted(maps.Keys(v.Columns))},
		{"--random", v.Random},
	} {
		for _, table := range named.tables {
			if named.flag == timeColumn && Pattern(table) {
				continue
			}
			if !slices.Contains(chosen, table) {
				found = append(found, message.NoSuchTable(named.flag, table, schema, message.Nearest(table, chosen)))
			}
		}
	}
	return found
}
