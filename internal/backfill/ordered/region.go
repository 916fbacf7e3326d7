package ordered

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// region is a range of keys that is filled at once.
type region struct {
	number    int
	low       []string      // its keys are above it; the first begins at the very beginning
	high      []string      // nil where it held no row
	open      bool          // the last one: rows above high belong to it as long as they have no value
	carried   order.Instant // where rows stand that have no time, before the first that has
	intervals []interval    // that hold the instants of its rows, when they were surveyed
	exclusive []interval    // of them, those in which no other region has rows
	postponed bool          // rows of it were left for another round
	done      bool
	visited   bool // gone over before, in this run
}

func (r region) keyRange() keyRange {
	if r.open {
		return keyRange{low: r.low}
	}
	return keyRange{low: r.low, high: r.high}
}

// of is the condition that holds for the rows of a region that matter: of those that came after the
// survey not the ones that got the default.
func (f *filler) condition(r region) string {
	where := f.sql.key.condition(r.keyRange())
	if !r.open {
		return where
	}
	cutoff := pgtype.UUID{Bytes: f.scale.Range(f.scale.Cutoff+1).Value(0, 0).UUID(), Valid: true}
	surveyed := "false"
	if r.high != nil {
		surveyed = f.sql.key.upTo(r.high)
	}
	return where + sqltext.Format(" AND (t.{} IS NULL OR t.{} < {}::uuid OR ", f.sql.uuid, f.sql.uuid, sqltext.Value(cutoff.String())) + surveyed + ")"
}

// stream runs a query and hands over its rows in the binary format, one at a time.
func stream(ctx context.Context, tx pg.Tx, sql string, take func(fields [][]byte) error) error {
	ctx, done := tx.StatementContext(ctx)
	defer done()
	result := tx.Conn().PgConn().ExecParams(ctx, sql, nil, nil, nil, []int16{1})
	var rowErr error
	for result.NextRow() {
		tx.RowArrived()
		if rowErr == nil {
			rowErr = take(result.Values())
		}
	}
	_, err := result.Close()
	return errors.Join(err, rowErr)
}

// stretch is what was read of a region, in memory that is used again.
type buffer struct {
	rows  []row
	texts keyTexts
}

// mostTexts bounds the texts of a region's keys: with long ones it is cut short.
const maxKeyTexts = 4 << 20

// read reads rows. Memory for them is made for a whole region at once: grown bit by bit it would leave as much behind. Rows
// after which the keys' texts take more than limit bytes are left out, and all is false.
func (f *filler) readRows(ctx context.Context, tx pg.Tx, sql string, into *buffer, limit int) (all bool, err error) {
	into.rows = slices.Grow(into.rows[:0], int(min(f.choice.Region, max(int64(f.Table.Rows), 0))))
	into.texts = into.texts[:0]
	all = true
	err = stream(ctx, tx, sql, func(fields [][]byte) error {
		if all = all && len(into.texts) <= limit; !all {
			return nil
		}
		into.rows = append(into.rows, row{})
		r := &into.rows[len(into.rows)-1]
		err := r.parse(fields, f.plan.horizon)
		r.key = f.sql.key.parse(fields[rowFields:], &into.texts)
		return err
	})
	return all, err
}

// ahead reads the rows of the next region above a key, at most so many, and gives the last one's: nil where there is none.
// Over says that there were no more rows.
func (f *filler) readNext(ctx context.Context, tx pg.Tx, low []string, limit int64, into *buffer) (high []string, last bool, err error) {
	all, err := f.readRows(ctx, tx, f.sql.first(keyRange{low: low}, limit), into, maxKeyTexts)
	if n := len(into.rows); n > 0 {
		high = f.sql.key.boundOf(into.rows[n-1].key, into.texts)
	}
	if err == nil && low != nil && high != nil {
		err = f.requireAscending(ctx, tx, low, high)
	}
	return high, all && int64(len(into.rows)) < limit, err
}

// ascend fails where one bound is not above another: texts that do not tell a key exactly would cut regions for ever.
func (f *filler) requireAscending(ctx context.Context, tx pg.Tx, low, high []string) error {
	var above bool
	err := tx.QueryRow(ctx, "SELECT "+f.sql.key.bound(high)+" > "+f.sql.key.bound(low)).Scan(&above)
	if err == nil && !above {
		err = fmt.Errorf("%s: the texts %q and %q do not tell a row's key", f.Target, low, high)
	}
	return err
}

// load reads the rows of a region, each with the instant at which it stands, in the order of their keys.
func (f *filler) load(ctx context.Context, tx pg.Tx, r region, into *buffer) error {
	if err := f.requireNoBatchIn(ctx, tx, r.number); err != nil {
		return err
	}
	if _, err := f.readRows(ctx, tx, f.sql.read(f.condition(r)), into, math.MaxInt); err != nil {
		return err
	}
	sortByKey(into.rows)
	assignInstants(into.rows, &order.Carrier{Scale: f.scale, Last: r.carried, Known: true})
	return nil
}
