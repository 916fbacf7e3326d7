package ordered

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// region is a range of keys that is filled at once.
type region struct {
	number int
	low    *int64 // its keys are above it; the first begins at the very beginning
	high   int64
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
	return span{low: r.low, high: &r.high}
}

// of is the condition that holds for the rows of a region that matter: of those that came after the
// survey not the ones that got the default.
func (f *filler) of(r region) string {
	where := f.text.within(r.span())
	if r.open {
		young := pgtype.UUID{Bytes: f.scale.Room(f.scale.Moment+1).Value(0, 0).UUID(), Valid: true}
		where += sqltext.Format(" AND (t.{} IS NULL OR t.{} <= '{}'::int8 OR t.{} < {}::uuid)",
			f.text.uuid, f.text.key, r.high, f.text.uuid, sqltext.Value(young.String()))
	}
	return where
}

// stream runs a query and hands over its rows in the binary format, one at a time.
func stream(ctx context.Context, tx pg.Tx, sql string, take func(fields [][]byte) error) error {
	result := tx.Conn().PgConn().ExecParams(ctx, sql, nil, nil, nil, []int16{1})
	var failed error
	for result.NextRow() {
		if failed == nil {
			failed = take(result.Values())
		}
	}
	_, err := result.Close()
	return errors.Join(err, failed)
}

// rows reads rows into memory that is used again, and made for a whole region at once: grown bit by bit it
// would leave as much behind.
func (f *filler) rows(ctx context.Context, tx pg.Tx, sql string, into []row) ([]row, error) {
	into = slices.Grow(into[:0], int(min(f.choice.Region, max(int64(f.Table.Rows), 0))))
	err := stream(ctx, tx, sql, func(fields [][]byte) error {
		into = append(into, row{})
		return into[len(into)-1].parse(fields, f.plan.horizon)
	})
	return into, err
}

// load reads the rows of a region, each with the instant at which it stands, in the order of their keys.
func (f *filler) load(ctx context.Context, tx pg.Tx, r region, into []row) ([]row, error) {
	if err := f.settleRegion(ctx, tx, r.number); err != nil {
		return into, err
	}
	rows, err := f.rows(ctx, tx, f.text.read(f.of(r)), into)
	if err != nil {
		return rows, err
	}
	byKey(rows)
	stand(rows, &order.Lender{Scale: f.scale, Last: r.lent, Known: true})
	return rows, nil
}
