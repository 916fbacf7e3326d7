//go:build unix

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// row is what a writer knows of a row.
type row struct {
	note string
	own  string // the uuid that the application gave it; "" for any
	seen string // the uuid that the application read from it, and may have handed out
	when time.Time
}

func (r row) String() string { return fmt.Sprintf("%q with uuid %q", r.note, r.own) }

// is tells whether a row that was read may be the one on record. What was seen is another question.
func (r row) is(read row) bool {
	return r.note == read.note && (r.own == "" || r.own == read.own)
}

// shelf is the record of a writer's rows in one table.
type shelf struct {
	rows map[int64]row
	ids  []int64 // in no order, to pick from
	at   map[int64]int
	next int64
}

func newShelf() *shelf { return &shelf{rows: map[int64]row{}, at: map[int64]int{}} }

func (s *shelf) put(id int64, r row) {
	if _, there := s.rows[id]; !there {
		s.at[id] = len(s.ids)
		s.ids = append(s.ids, id)
	}
	s.rows[id] = r
}

func (s *shelf) drop(id int64) {
	at, there := s.at[id]
	if !there {
		return
	}
	last := s.ids[len(s.ids)-1]
	s.ids[at], s.at[last] = last, at
	s.ids = s.ids[:len(s.ids)-1]
	delete(s.at, id)
	delete(s.rows, id)
}

// clear forgets every row.
func (s *shelf) clear() {
	clear(s.rows)
	clear(s.at)
	s.ids = nil
}

// pick gives one of the rows; ok is false when there is none.
func (s *shelf) pick(random *rand.Rand) (id int64, ok bool) {
	if len(s.ids) == 0 {
		return 0, false
	}
	return s.ids[random.IntN(len(s.ids))], true
}

// change is what a transaction does to a shelf: the rows as they are afterwards, nil for one that is gone.
type change map[int64]*row

func (s *shelf) apply(c change) {
	for id, r := range c {
		if r == nil {
			s.drop(id)
		} else {
			s.put(id, *r)
		}
	}
}

// before is the change that takes another one back.
func (s *shelf) before(c change) change {
	back := change{}
	for id := range c {
		back[id] = nil
		if r, there := s.rows[id]; there {
			back[id] = &r
		}
	}
	return back
}

// fits tells whether what was read may be what the change left.
func (c change) fits(read map[int64]row) bool {
	for id, want := range c {
		got, there := read[id]
		if there != (want != nil) || there && !want.is(got) {
			return false
		}
	}
	return true
}

// code is the SQLSTATE of an error, "" when it is not the server's.
func code(err error) string {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal.Code
	}
	return ""
}

// lost tells whether an error is that of a server that was killed: what became of the transaction is to
// be read.
func lost(err error) bool {
	switch code(err) {
	case "", pgerrcode.AdminShutdown, pgerrcode.CrashShutdown, pgerrcode.CannotConnectNow:
		return err != nil
	default:
		return false
	}
}
