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
	number int
	low    []string      // its keys are above it; the first begins at the very beginning
	high   []string      // nil where it held no row
	open   bool          // the last one: rows above high belong to it as long as they have no value
	lent   order.Instant // where rows stand that have no time, before the first that has
	cover  []zone        // that hold the instants of its rows, when they were surveyed
	alone  []zone        // of them, those in which no other region has rows
	late   bool          // rows of it were left for another round
	done   bool
	met    bool // gone over before, in this run
}

func (r region) span() span {
	if r.open {
		return span{low: r.low}
	}
	return span{low: r.low, high: r.high}
}

// of is the condition that holds for the rows of a region that matter: of those that came after the
// survey not the ones that got the default.
func (f *filler) of(r region) string {
	where := f.text.key.within(r.span())
	if !r.open {
		return where
	}
	young := pgtype.UUID{Bytes: f.scale.Range(f.scale.Cutoff+1).Value(0, 0).UUID(), Valid: true}
	seen := "false"
	if r.high != nil {
		seen = f.text.key.upTo(r.high)
	}
	return where + sqltext.Format(" AND (t.{} IS NULL OR t.{} < {}::uuid OR ", f.text.uuid, f.text.uuid, sqltext.Value(young.String())) + seen + ")"
}

// stream runs a query and hands over its rows in the binary format, one at a time.
func stream(ctx context.Context, tx pg.Tx, sql string, take func(fields [][]byte) error) error {
	ctx, done := tx.StatementContext(ctx)
	defer done()
	result := tx.Conn().PgConn().ExecParams(ctx, sql, nil, nil, nil, []int16{1})
	var failed error
	for result.NextRow() {
		tx.RowArrived()
		if failed == nil {
			failed = take(result.Values())
		}
	}
	_, err := result.Close()
	return errors.Join(err, failed)
}

// stretch is what was read of a region, in memory that is used again.
type stretch struct {
	rows  []row
	texts texts
}

// mostTexts bounds the texts of a region's keys: with long ones it is cut short.
const mostTexts = 4 << 20

// read reads rows. Memory for them is made for a whole region at once: grown bit by bit it would leave as much behind. Rows
// after which the keys' texts take more than limit bytes are left out, and all is false.
func (f *filler) read(ctx context.Context, tx pg.Tx, sql string, into *stretch, limit int) (all bool, err error) {
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
		r.key = f.text.key.take(fields[rowFields:], &into.texts)
		return err
	})
	return all, err
}

// ahead reads the rows of the next region above a key, at most so many, and gives the last one's: nil where there is none.
// Over says that there were no more rows.
func (f *filler) ahead(ctx context.Context, tx pg.Tx, low []string, most int64, into *stretch) (high []string, over bool, err error) {
	all, err := f.read(ctx, tx, f.text.first(span{low: low}, most), into, mostTexts)
	if n := len(into.rows); n > 0 {
		high = f.text.key.boundOf(into.rows[n-1].key, into.texts)
	}
	if err == nil && low != nil && high != nil {
		err = f.ascend(ctx, tx, low, high)
	}
	return high, all && int64(len(into.rows)) < most, err
}

// ascend fails where one bound is not above another: texts that do not tell a key exactly would cut regions for ever.
func (f *filler) ascend(ctx context.Context, tx pg.Tx, low, high []string) error {
	var above bool
	err := tx.QueryRow(ctx, "SELECT "+f.text.key.bound(high)+" > "+f.text.key.bound(low)).Scan(&above)
	if err == nil && !above {
		err = fmt.Errorf("%s: the texts %q and %q do not tell a row's key", f.Target, low, high)
	}
	return err
}

// load reads the rows of a region, each with the instant at which it stands, in the order of their keys.
func (f *filler) load(ctx context.Context, tx pg.Tx, r region, into *stretch) error {
	if err := f.settleRegion(ctx, tx, r.number); err != nil {
		return err
	}
	if _, err := f.read(ctx, tx, f.text.read(f.of(r)), into, math.MaxInt); err != nil {
		return err
	}
	byKey(into.rows)
	stand(into.rows, &order.Carrier{Scale: f.scale, Last: r.lent, Known: true})
	return nil
}
