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

// condition returns the SQL condition for the rows of a region that matter. Of rows inserted after the survey it leaves out
// those that got the default.
func (m *method) condition(r region) string {
	where := m.sql.key.condition(r.keyRange())
	if !r.open {
		return where
	}
	cutoff := pgtype.UUID{Bytes: m.scale.Range(m.scale.Cutoff+1).Value(0, 0).UUID(), Valid: true}
	surveyed := "false"
	if r.high != nil {
		surveyed = m.sql.key.upTo(r.high)
	}
	return where + sqltext.Format(" AND (t.{} IS NULL OR t.{} < {}::uuid OR ", m.sql.uuid, m.sql.uuid, sqltext.Value(cutoff.String())) + surveyed + ")"
}

// stream runs a query and calls take for each row in the binary format.
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

// buffer holds the rows of a region. Its memory is reused.
type buffer struct {
	rows  []row
	texts keyTexts
}

// maxKeyTexts limits the bytes of the texts of a region's keys. A region with long keys has fewer rows.
const maxKeyTexts = 4 << 20

// readRows reads rows into the buffer, which it allocates for a whole region at once to avoid copies. all is false if it left
// out rows because the keys' texts exceed limit bytes.
func (m *method) readRows(ctx context.Context, tx pg.Tx, sql string, into *buffer, limit int) (all bool, err error) {
	into.rows = slices.Grow(into.rows[:0], int(min(m.choice.Region, max(int64(m.Table.Rows), 0))))
	into.texts = into.texts[:0]
	all = true
	read := stream
	if m.Pace.Setting().StatementTime > 0 {
		read = m.readGently
	}
	err = read(ctx, tx, sql, func(fields [][]byte) error {
		if all = all && len(into.texts) <= limit; !all {
			return nil
		}
		into.rows = append(into.rows, row{})
		r := &into.rows[len(into.rows)-1]
		err := r.parse(fields, m.plan.horizon)
		r.key = m.sql.key.parse(fields[rowFields:], &into.texts)
		return err
	})
	return all, err
}

// readGently is stream in short statements. It does not pause between them: a pause within a transaction would keep its snapshot.
func (m *method) readGently(ctx context.Context, tx pg.Tx, sql string, take func(fields [][]byte) error) error {
	return scan(ctx, tx, sql, gentleFetchRows(tx.Trip()), take, func() error { return m.Sleep(ctx, 0) })
}

// readNext reads up to limit rows above a key, and returns the key of the last one, nil if there is none. last reports that
// there are no further rows.
func (m *method) readNext(ctx context.Context, tx pg.Tx, low []string, limit int64, into *buffer) (high []string, last bool, err error) {
	all, err := m.readRows(ctx, tx, m.sql.first(keyRange{low: low}, limit), into, maxKeyTexts)
	if n := len(into.rows); n > 0 {
		high = m.sql.key.boundOf(into.rows[n-1].key, into.texts)
	}
	if err == nil && low != nil && high != nil {
		err = m.requireAscending(ctx, tx, low, high)
	}
	return high, all && int64(len(into.rows)) < limit, err
}

// requireAscending returns an error if high is not above low. Texts that do not represent a key exactly would cause endless
// regions.
func (m *method) requireAscending(ctx context.Context, tx pg.Tx, low, high []string) error {
	var above bool
	err := tx.QueryRow(ctx, "SELECT "+m.sql.key.bound(high)+" > "+m.sql.key.bound(low)).Scan(&above)
	if err == nil && !above {
		err = fmt.Errorf("%s: the texts %q and %q do not represent keys exactly", m.Name(), low, high)
	}
	return err
}

// load reads the rows of a region in the order of their keys, and sets their instants.
func (m *method) load(ctx context.Context, tx pg.Tx, r region, into *buffer) error {
	if err := m.requireNoBatchIn(ctx, tx, r.number); err != nil {
		return err
	}
	if _, err := m.readRows(ctx, tx, m.sql.read(m.condition(r)), into, math.MaxInt); err != nil {
		return err
	}
	sortByKey(into.rows)
	assignInstants(into.rows, &order.Carrier{Scale: m.scale, Last: r.carried, Known: true})
	return nil
}
