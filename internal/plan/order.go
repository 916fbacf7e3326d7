package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Source says whose time the values of a table's rows tell.
type Source string

// The sources.
const (
	ByColumn Source = "column" // the row's, as its creation-time column has it
	ByClock  Source = "now"    // that of the filling
	AtRandom Source = "random" // none: version 4
)

// Values is what the person wants of the values. A table goes by any of its names in the profile.
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

// column returns what is asked of a table's creation-time column: by its name, else by the longest pattern that
// fits it and whose column it has.
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

// Order is how the rows of a table get their values.
type Order struct {
	Source Source
	Column order.Column // with ByColumn; without a name the key alone orders
	Key    []string     // with ByColumn; without one rows of one instant are in no order
	Why    string
}

// orderOf decides how a table is filled.
func orderOf(v Values, kit profile.Table, target step.Target, table *catalog.Table) (Order, *problem.Problem) {
	names := kit.Names()
	if target.Random() {
		return Order{Source: AtRandom, Why: "no uuid of this table tells the age of its row"}, nil
	}
	if v.source(names) == ByClock {
		return Order{Source: ByClock, Why: "asked for"}, nil
	}
	asked := v.column(names, table)
	column, err := order.Choose(*table, asked, kit.Time, v.Zone)
	if err != nil {
		return Order{}, message.BadTimeColumn(target.String(), asked, err.Error(), order.TimeColumns(*table))
	}
	if others := order.TimeColumns(*table); column.Name == "" && asked == "" && len(others) > 0 {
		column.Reason += "; these may: " + strings.Join(others, ", ") + " (--time-column " + table.Name + "=" + others[0] + ")"
	}
	return Order{Source: ByColumn, Column: column}.by(table.OrderKey(target.Column)), nil
}

// by is the order with a key, or without one.
func (o Order) by(key []string) Order {
	if o.Source != ByColumn {
		return o
	}
	switch o.Key, o.Why = key, o.Column.Reason; {
	case key != nil:
	case o.Column.Name == "":
		return Order{Source: ByClock, Why: "there is neither a creation-time column nor a key to put rows in order"}
	default:
		o.Why += "; there is no key to put rows of one instant in order"
	}
	return o
}

// OrderOf is how a table of a group is filled, as it is now: the group's, or one of those below it, which may have come since.
func (p Plan) OrderOf(g Group, t step.Target, table *catalog.Table) Order {
	if table == nil {
		return g.Order
	}
	if t.Root == "" {
		return g.Order.by(table.OrderKey(t.Column))
	}
	values := p.values
	if c := g.Order.Column; c.Kind.Micros() > 0 && values.column([]string{g.Table}, table) == "" {
		values.Columns = map[string]string{g.Table: c.Selector()} // the unit that the rows of all showed
	}
	found, cannot := orderOf(values, profile.Table{Name: g.Table}, t, table)
	if cannot != nil { // the column that was named is another one below
		return Order{Source: ByClock, Why: cannot.Error()}
	}
	return found
}

// valued is a target with the kind of its values. Whether they are random was decided when the table got the
// column, and stands there.
func valued(v Values, kit profile.Table, t step.Target, table *catalog.Table) (step.Target, *problem.Problem) {
	t = t.WithValuesOf(table)
	if t.Random() || !v.random(kit.Names()) {
		return t, nil
	}
	if origin, _ := t.Read(table); origin == step.Made || origin == step.Found {
		return t, message.RandomTooLate(t.String(), t.Column)
	}
	return t.WithRandomValues(), nil
}

// unknown are the tables of which something is said and which do not get a column; a run without a profile
// finds them when it has seen the schema.
func (v Values) unknown(schema string, chosen []string) (found problem.List) {
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
