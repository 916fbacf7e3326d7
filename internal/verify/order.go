package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// prove scans a table in the order of its uuids, in a transaction of its own, and judges the rows that
// rekey has filled by the column by which it has filled them. Of a tree each table is judged for itself.
func prove(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, g plan.Group, moments map[journal.Column]journal.Cutoff) (*OrderReport, error) {
	table := p.Schema.Relation(g.Table)
	c := table.Column(g.Target.Column)
	if p.VerifyOnly || c == nil || c.Type != "uuid" || g.Target.Random() {
		return nil, nil //nolint:nilnil // there is no order to be proved
	}
	var all *OrderReport
	for _, part := range g.Target.Parts(table) {
		one, err := provePart(ctx, pool, part, moments)
		if err != nil {
			return nil, err
		}
		all = all.with(one)
	}
	return all, nil
}

func provePart(ctx context.Context, pool *pgxpool.Pool, part step.Part, moments map[journal.Column]journal.Cutoff) (OrderReport, error) {
	moment := moments[journal.Column{Relation: part.Table.OID, Number: int16(part.Table.Column(part.Column).Number)}]
	report := OrderReport{Source: moment.Source, Column: moment.Column}
	claim, why := claimOf(part.Target, part.Table, moment)
	if why != "" {
		report.Why = why
		return report, nil
	}
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		proof, err := ordered.Prove(ctx, tx, *part.Table, claim)
		report.Judged, report.Pairs, report.Differs = proof.Judged, proof.Pairs, proof.Differs
		report.Early, report.Late, report.Timeless = proof.Early, proof.Late, proof.Timeless
		report.New, report.Found, report.Other = proof.New, proof.Found, proof.Other
		return err
	})
	return report, err
}

// with adds the report of another table of the same tree. Why stays only while no table was judged.
func (o *OrderReport) with(one OrderReport) *OrderReport {
	switch {
	case o == nil || o.Why != "" && one.Why == "":
		return &one
	case one.Why != "":
		return o
	}
	o.Judged += one.Judged
	o.Pairs += one.Pairs
	o.Differs += one.Differs
	o.Early += one.Early
	o.Late += one.Late
	o.Timeless += one.Timeless
	o.New += one.New
	o.Found += one.Found
	o.Other += one.Other
	return o
}

// claimOf says what a table's values are to be judged by, or why they cannot be.
func claimOf(t step.Target, table *catalog.Table, m journal.Cutoff) (claim ordered.Expectation, why string) {
	if !m.Filled {
		return claim, "the journal does not know when the column got its default, nor by what its rows were filled"
	}
	if m.Source != string(plan.ByColumn) {
		return claim, "its rows were filled by the clock"
	}
	if i := slices.IndexFunc(m.Key, func(name string) bool { return table.Column(name) == nil }); i >= 0 {
		return claim, "its key had a column " + m.Key[i] + ", which is gone"
	}
	asked := m.Column
	if asked == "" {
		asked = order.None
	}
	column, err := order.Choose(*table, asked, "", m.Zone)
	if err != nil {
		return claim, err.Error()
	}
	origin, _ := t.Read(table)
	return ordered.Expectation{Target: t, Key: m.Key, Column: column, Cutoff: m.At, Found: origin == step.Found}, ""
}

// faults of the order are pairs of rows. A row whose time was changed after it was filled keeps its uuid
// and is none.
func (o *OrderReport) faults(table string) []string {
	if o == nil || o.Pairs == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s out of the order of creation", table,
		message.Counted(o.Pairs, "pair of neighbouring values that rekey filled is", "pairs of neighbouring values that rekey filled are"))}
}
