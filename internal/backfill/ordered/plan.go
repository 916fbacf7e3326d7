package ordered

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// plan says how a round fills the table. The plan of a table with several regions is stored in rekey's schema until the table
// is filled, so that a run can continue an interrupted one.
type plan struct {
	cutoff   order.Instant
	round    int
	complete bool   // the survey read every row
	horizon  uint32 // the oldest transaction that could be running when the survey began
	regions  []region
	stored   bool // in rekey's schema
	adjusted [order.Missing + 1]int64
}

// region is a range of keys that is filled as a unit.
type region struct {
	number    int
	low       []string      // the keys are above it; nil for the first region
	high      []string      // the keys are up to it; nil for a region without rows
	open      bool          // last region, which includes later rows above high while they have no value
	carried   order.Instant // of rows without a time before the first one with a time
	intervals []interval    // contain the instants that its rows had in the survey
	exclusive []interval    // the parts of intervals in which no other region has rows
	postponed bool          // rows were left to another round
	done      bool
	visited   bool // by an earlier attempt of this run
}

func (r region) keyRange() keyRange {
	if r.open {
		return keyRange{low: r.low}
	}
	return keyRange{low: r.low, high: r.high}
}

// planTable returns the name of one of rekey's tables for the filling of a relation.
func planTable(relation uint32, suffix string) sqltext.Table {
	return sqltext.Table{Schema: "rekey", Name: fmt.Sprintf("order_%d%s", relation, suffix)}
}

func (m *method) planTable(suffix string) sqltext.Table { return planTable(m.Table.OID, suffix) }

// identity identifies what a plan was made for. It includes the number of the column, which changes when a column is dropped
// and added again.
func (m *method) identity() string {
	number := 0
	if c := m.Table.Column(m.Column); c != nil {
		number = c.Number
	}
	c := m.Time
	return fmt.Sprintf("%q.%q %d %q %q %d %q", m.Table.Schema, m.Table.Name, number, m.sql.key.columnList("t"), c.Name, c.Unit, c.Zone)
}

// DropPlan drops the stored plan of a relation. It is for the plan of an interrupted run; Run drops the plan that it completes.
// It returns backfill.ErrBusy while a run of the relation begins.
func DropPlan(ctx context.Context, tx pg.Tx, relation uint32) error {
	if err := lockPlan(ctx, tx, relation); err != nil {
		return err
	}
	return dropTables(ctx, tx, relation, "_shares", "_tallies", "_regions", "")
}

// dropTables drops the tables if they exist. Most relations never had one.
func dropTables(ctx context.Context, tx pg.Tx, relation uint32, suffixes ...string) error {
	names := make([]string, len(suffixes))
	for i, suffix := range suffixes {
		names[i] = planTable(relation, suffix).Name
	}
	found, err := tx.Query(ctx, "SELECT c.relname FROM pg_class c WHERE c.relnamespace = to_regnamespace('rekey') AND c.relname = ANY ($1::text[])", names)
	if err != nil {
		return err
	}
	present, err := pgx.CollectRows(found, pgx.RowTo[string])
	for _, name := range present {
		if err == nil {
			_, err = tx.Exec(ctx, sqltext.Format("DROP TABLE {}", sqltext.Table{Schema: "rekey", Name: name}))
		}
	}
	return err
}

// createTables creates permanent tables in the default tablespace with the heap access method, regardless of the role's
// defaults, and without privileges for PUBLIC.
func (m *method) createTables(ctx context.Context, tx pg.Tx, tables map[string]string) error {
	statements := []string{"SET LOCAL default_tablespace = ''", "SET LOCAL default_table_access_method = heap"}
	for suffix, columns := range tables {
		statements = append(statements, sqltext.Format("CREATE TABLE {} (", m.planTable(suffix))+columns+")",
			sqltext.Format("REVOKE ALL ON TABLE {} FROM PUBLIC", m.planTable(suffix)))
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// createPlan creates the tables of a plan whose regions are not stored yet.
func (m *method) createPlan(ctx context.Context, tx pg.Tx) error {
	if err := DropPlan(ctx, tx, m.Table.OID); err != nil {
		return err
	}
	err := m.createTables(ctx, tx, map[string]string{
		"": "what text NOT NULL, moment int8 NOT NULL, round int4 NOT NULL, complete bool NOT NULL, horizon int8 NOT NULL, ready bool NOT NULL," +
			" early int8 NOT NULL, late int8 NOT NULL, lent int8 NOT NULL, missing int8 NOT NULL",
		"_regions": "number int4 PRIMARY KEY, low text[], high text[], open bool NOT NULL, lent int8 NOT NULL," +
			" cover int8[] NOT NULL, alone int8[] NOT NULL, late bool NOT NULL, done bool NOT NULL",
	})
	if err != nil {
		return err
	}
	p := m.plan
	_, err = tx.Exec(ctx, sqltext.Format("INSERT INTO {} VALUES ($1, $2, $3, $4, $5, false, $6, $7, $8, $9)", m.planTable("")),
		m.identity(), int64(p.cutoff), p.round, p.complete, int64(p.horizon), p.adjusted[order.Early], p.adjusted[order.Late], p.adjusted[order.Carried], p.adjusted[order.Missing])
	if err != nil {
		return err
	}
	return m.createSurveyTables(ctx, tx)
}

// createSurveyTables creates the tables of a survey. It drops the tables of an earlier survey.
func (m *method) createSurveyTables(ctx context.Context, tx pg.Tx) error {
	if err := dropTables(ctx, tx, m.Table.OID, "_shares", "_tallies"); err != nil {
		return err
	}
	return m.createTables(ctx, tx, map[string]string{
		"_tallies": "instant int8 NOT NULL, region int4 NOT NULL, unfilled int8 NOT NULL, first int8, last int8",
		"_shares":  "region int4 NOT NULL, instant int8 NOT NULL, low int8 NOT NULL, high int8 NOT NULL, edge bool NOT NULL",
	})
}

// storeRegions stores the regions and makes the plan ready to use.
func (m *method) storeRegions(ctx context.Context, tx pg.Tx) error {
	if _, err := tx.Exec(ctx, sqltext.Format("TRUNCATE {}", m.planTable("_regions"))); err != nil {
		return err
	}
	c := newCopyBuffer()
	for _, r := range m.plan.regions {
		c.row(9).int4(r.number).texts(r.low).texts(r.high).bool(r.open).int8(int64(r.carried)).int8s(encodeIntervals(r.intervals)).int8s(encodeIntervals(r.exclusive)).bool(r.postponed).bool(r.done)
	}
	if err := c.send(ctx, tx, m.planTable("_regions")); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqltext.Format("UPDATE {} SET ready = true, round = $1, complete = $2", m.planTable("")), m.plan.round, m.plan.complete)
	return err
}
