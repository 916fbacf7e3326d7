package run

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// maxCountedBytes is the size of the largest table whose rows a plan reads to count their times. That takes a
// second or two.
const maxCountedBytes = 256 << 20

// Explain returns a description of how each table of a plan is filled. It counts the rows whose creation times
// cannot be used as they are, in one transaction per table, unless the table is large.
func Explain(ctx context.Context, pool *pgxpool.Pool, p plan.Plan) (plan.FillDescriber, error) {
	times := map[sqltext.Table]*plan.TimeCounts{}
	for _, g := range p.Groups {
		if !countable(p, g) {
			continue
		}
		counted, err := countTimes(ctx, pool, p, g)
		if err != nil {
			return nil, fault.At(err, g.String(), "count")
		}
		times[g.Table] = counted
	}
	return DescribeFillings(p, times), nil
}

// DescribeFillings is [Explain] without counting; times holds the counts by table, or nil.
func DescribeFillings(p plan.Plan, times map[sqltext.Table]*plan.TimeCounts) plan.FillDescriber {
	return func(g plan.Group, t step.Target) plan.FillDescription {
		table := p.Table(g, t)
		job := backfill.Job{Server: p.Server, Table: *table, Column: t.Column}
		if g.Edge != nil {
			return plan.FillDescription{SQL: EdgeWriter(*g.Edge).BatchSQL(job), Choice: backfill.Explain(p.Server, *table, t.Column).Reason}
		}
		order := p.OrderOf(g, t, table)
		if order.Source != plan.ByColumn {
			return plan.FillDescription{SQL: backfill.Expression(clockExpression(p.Server, t)).BatchSQL(job), Choice: backfill.Explain(p.Server, *table, t.Column).Reason}
		}
		choice := ordered.Explain(p.Server, *table, t.Column, order.Column)
		return plan.FillDescription{SQL: ordered.BatchSQL(p.Server, *table, t.Column, order.Column), Choice: choice.Reason, Times: times[g.Table]}
	}
}

func countable(p plan.Plan, g plan.Group) bool {
	table := p.Schema.Named(g.Table)
	if table == nil || g.Order.Source != plan.ByColumn || g.Order.Column.Name == "" || g.State == plan.Refused {
		return false
	}
	return table.Kind == catalog.Ordinary && !table.IsTree() && table.Owned && !table.Hides(p.Server.Role) && table.Bytes <= maxCountedBytes && len(p.Fills(g)) > 0
}

func countTimes(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, g plan.Group) (*plan.TimeCounts, error) {
	var times plan.TimeCounts
	err := guard.Reading(p.Server, p.Schema.Named(g.Table)).Read(ctx, pool, func(tx pg.Tx) error {
		counted, err := ordered.Count(ctx, tx, g.Target.Name(), g.Order.Column, time.Time{})
		times = plan.TimeCounts(counted)
		return err
	})
	return &times, err
}

// MissingRights returns a problem for each table whose order requires journal tables that the role may not create.
// Small tables need none.
func MissingRights(p plan.Plan) problem.List { return missingRights(p, p.Server, false) }

// missingRights returns the problems of MissingRights on a server, which may be a node of a cluster: it fills the shards of a table one by
// one.
func missingRights(p plan.Plan, server catalog.Server, onNode bool) (found problem.List) {
	journal := server.JournalSchema
	if p.Direction == plan.Down || !journal.Exists || journal.Create {
		return nil
	}
	for _, g := range p.Targets() {
		for _, t := range p.Fills(g) {
			table := p.Table(g, t)
			order := p.OrderOf(g, t, table)
			if onNode {
				table = shardOf(table)
			}
			if table == nil || order.Source != plan.ByColumn || order.Key == nil {
				continue
			}
			if choice := ordered.Explain(server, *table, t.Column, order.Column); plan.Rows(table) > choice.Region {
				found = append(found, message.NoOrderRights(t.String(), sqltext.Ident(server.Role.Name), journal.Owner))
			}
		}
	}
	return found
}

// shardOf returns a table of the size of one shard of a table, nil if nodes do not fill its shards.
func shardOf(table *catalog.Table) *catalog.Table {
	if table == nil || !table.Sharding.OnShards() {
		return nil
	}
	shard := *table
	if n := int64(max(table.Sharding.Shards, 1)); n > 1 {
		shard.Rows, shard.Pages, shard.Bytes = table.Rows/float64(n), table.Pages/n, table.Bytes/n
	}
	return &shard
}
