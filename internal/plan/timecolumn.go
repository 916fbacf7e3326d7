package plan

import "github.com/rekey-pg/rekey/internal/order"

// timeColumn returns the creation-time column of a table to be filled, with the unit of an integer, or else the columns that
// could be one.
func (p Plan) timeColumn(g Group) (column string, candidates []string) {
	if p.Direction == Down || len(p.Fills(g)) == 0 || g.Order.Source == AtRandom {
		return "", nil
	}
	switch c := g.Order.Column; {
	case c.Kind.Micros() > 0:
		return c.Name + " (" + string(c.Kind) + ")", nil
	case c.Name != "":
		return c.Name, nil
	}
	return "", order.TimeColumns(*p.Schema.Named(g.Table))
}
