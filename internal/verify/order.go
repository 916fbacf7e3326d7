package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// checkOrder scans a table in the order of its uuids, in a transaction of its own, and checks that the rows that
// rekey has filled are in the order of the column by which it has filled them. The tables of a tree, and the shards of
// a table of a cluster, are checked separately.
func checkOrder(ctx context.Context, nodes *nodeReader, p plan.Plan, g plan.Group, cutoffs map[journal.Column]journal.Cutoff) (*OrderReport, error) {
	table := p.Schema.Named(g.Table)
	c := table.Column(g.Target.Column)
	if p.VerifyOnly || c == nil || c.Type != "uuid" || g.Target.Random() {
		return nil, nil //nolint:nilnil // the table has no order to check
	}
	var all *OrderReport
	for _, part := range g.Target.Parts(table) {
		one, err := checkPartOrder(ctx, nodes, p.Server, part, cutoffs)
		if err != nil {
			return nil, err
		}
		all = all.add(one)
	}
	return all, nil
}

func checkPartOrder(ctx context.Context, nodes *nodeReader, server catalog.Server, part step.Part, cutoffs map[journal.Column]journal.Cutoff) (OrderReport, error) {
	cutoff := cutoffs[journal.Column{Relation: part.Table.OID, Number: int16(part.Table.Column(part.Column).Number)}]
	report := OrderReport{Source: cutoff.Source, Column: cutoff.Column}
	expectation, reason := expectationOf(part.Target, part.Table, cutoff)
	if reason != "" {
		report.NotJudged = reason
		return report, nil
	}
	var proof ordered.Proof
	var err error
	if part.Table.Sharding.OnShards() {
		proof, report.NotJudged, err = nodes.checkShardOrder(ctx, part.Table, expectation)
	} else {
		err = guard.Reading(server, part.Table).Read(ctx, nodes.coordinator, func(tx pg.Tx) (err error) {
			proof, err = ordered.Prove(ctx, tx, *part.Table, expectation)
			return err
		})
	}
	report.Judged, report.PairsOutOfOrder, report.TimesDiffer = proof.Judged, proof.Pairs, proof.Differs
	report.ClampedEarly, report.ClampedLate, report.WithoutTime = proof.Early, proof.Late, proof.Timeless
	report.New, report.Found, report.OtherVersion = proof.New, proof.Found, proof.Other
	return report, err
}

// add adds the report of another table of the same tree. NotJudged is kept only while no table was judged.
func (o *OrderReport) add(one OrderReport) *OrderReport {
	switch {
	case o == nil || o.NotJudged != "" && one.NotJudged == "":
		return &one
	case one.NotJudged != "":
		return o
	}
	o.Judged += one.Judged
	o.PairsOutOfOrder += one.PairsOutOfOrder
	o.TimesDiffer += one.TimesDiffer
	o.ClampedEarly += one.ClampedEarly
	o.ClampedLate += one.ClampedLate
	o.WithoutTime += one.WithoutTime
	o.New += one.New
	o.Found += one.Found
	o.OtherVersion += one.OtherVersion
	return o
}

// expectationOf returns how a table's values must be ordered, or why that cannot be judged.
func expectationOf(t step.Target, table *catalog.Table, c journal.Cutoff) (expectation ordered.Expectation, reason string) {
	if !c.Filled {
		return expectation, "the journal does not record when the column got its default and how its rows were filled"
	}
	if c.Source != string(plan.ByColumn) {
		return expectation, "its rows were filled by the clock"
	}
	if i := slices.IndexFunc(c.Key, func(name string) bool { return table.Column(name) == nil }); i >= 0 {
		return expectation, "its key had a column " + c.Key[i] + ", which was dropped"
	}
	selector := c.Column
	if selector == "" {
		selector = order.None
	}
	column, err := order.Choose(*table, selector, "", c.Zone)
	if err != nil {
		return expectation, err.Error()
	}
	origin, _ := t.Read(table)
	return ordered.Expectation{UUID: t.Column, Key: c.Key, Column: column, Cutoff: c.At, Found: origin == step.Found}, ""
}

// differences reports pairs of rows. A row whose time was changed after it was filled keeps its uuid and is not a
// difference.
func (o *OrderReport) differences(table string) []string {
	if o == nil || o.PairsOutOfOrder == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s out of creation order", table,
		message.Counted(o.PairsOutOfOrder, "pair of adjacent values filled by rekey is", "pairs of adjacent values filled by rekey are"))}
}
