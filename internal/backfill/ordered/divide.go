package ordered

import (
	"context"
	"encoding/binary"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// regionOccupancy is the occupancy of an instant by a region.
type regionOccupancy struct {
	instant order.Instant
	region  int
	order.Occupancy
}

// maxPageRows is how many occupancies are read at once. It exceeds the number of regions of a table.
const maxPageRows = 100_000

// divide reads the occupancies in the order of time and gives each region its share of each instant.
func (m *method) divide(ctx context.Context) error {
	if err := m.Transaction(ctx, readSettings, func(tx pg.Tx) error {
		_, err := tx.Exec(ctx, sqltext.Format("CREATE INDEX ON {} (instant, region)", m.planTable("_tallies")))
		return err
	}); err != nil {
		return err
	}
	p := m.newAssigner()
	page := make([]regionOccupancy, 0, maxPageRows)
	after, last := order.NegInfinity, false
	for !last {
		if err := m.Wait(ctx); err != nil {
			return err
		}
		err := m.Transaction(ctx, readSettings, func(tx pg.Tx) (err error) {
			if page, err = m.readPage(ctx, tx, after, page[:0]); err != nil {
				return err
			}
			last = len(page) < maxPageRows
			if !last {
				page = dropLastInstant(page)
			}
			return p.divide(page).send(ctx, tx, m.planTable("_shares"))
		})
		if err != nil {
			return err
		}
		if n := len(page); n > 0 {
			after = page[n-1].instant
		}
	}
	return nil
}

// dropLastInstant drops the last instant of a page, which may continue on the next page.
func dropLastInstant(page []regionOccupancy) []regionOccupancy {
	n := len(page)
	for n > 1 && page[n-1].instant == page[len(page)-1].instant {
		n--
	}
	return page[:n]
}

func (m *method) readPage(ctx context.Context, tx pg.Tx, after order.Instant, page []regionOccupancy) ([]regionOccupancy, error) {
	sql := sqltext.Format("SELECT instant, region, unfilled, first, last FROM {} WHERE instant > '{}'::int8 ORDER BY instant, region LIMIT {}",
		m.planTable("_tallies"), int64(after), maxPageRows)
	err := stream(ctx, tx, sql, func(fields [][]byte) error {
		number := func(i int) uint64 { return binary.BigEndian.Uint64(fields[i]) }
		c := regionOccupancy{instant: order.Instant(number(0)), region: int(binary.BigEndian.Uint32(fields[1]))}
		c.Unfilled = number(2)
		if fields[3] != nil {
			c.Filled, c.First, c.Last = true, number(3), number(4)
		}
		page = append(page, c)
		return nil
	})
	return page, err
}

// divide returns the shares of a page of occupancies.
func (p *assigner) divide(page []regionOccupancy) *copyBuffer {
	c := newCopyBuffer()
	var occupancies []order.Occupancy
	for first := 0; first < len(page); {
		at, end := page[first].instant, first
		occupancies = occupancies[:0]
		for ; end < len(page) && page[end].instant == at; end++ {
			occupancies = append(occupancies, page[end].Occupancy)
		}
		for i, s := range order.Divide(p.random, p.scale.Range(at).Slots(), occupancies) {
			c.row(5).int4(page[first+i].region).int8(int64(at)).int8(int64(s.From)).int8(int64(s.To)).bool(s.Edge)
		}
		first = end
	}
	return c
}
