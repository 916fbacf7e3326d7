package run

import (
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/plan"
)

// totals sums up what a run has done so far.
type totals struct {
	tables int
	edges  int
	keys   int
	rows   int64
	locks  event.Locks
}

// count adds a number of complete tables, edges or primary keys.
func (e *Executor) count(g plan.Group, n int) {
	switch {
	case g.Prepares: // the group that ends the column counts
	case g.Edge != nil:
		e.totals.edges += n
	case g.Key != nil:
		e.totals.keys += n
	default:
		e.totals.tables += n
	}
}

// announce emits that the work on a group starts, once for a group and the one that prepares it.
func (e *Executor) announce(g plan.Group, rows int64) {
	if e.prepared[g.String()] {
		return
	}
	if g.Prepares {
		if e.prepared == nil {
			e.prepared = map[string]bool{}
		}
		e.prepared[g.String()] = true
	}
	e.Emit.Emit(event.TableStarted{Table: g.String(), Edge: g.Edge != nil, Key: g.Key != nil, Phase: string(g.Phase), Rows: rows})
}
