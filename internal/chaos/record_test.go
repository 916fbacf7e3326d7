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

// row is a writer's record of a row.
type row struct {
	note string
	own  string // the uuid that the application set; "" for any
	seen string // the uuid that the application read
	when time.Time
}

func (r row) String() string { return fmt.Sprintf("%q with uuid %q", r.note, r.own) }

// is reports whether a row that was read can be the recorded one. It ignores seen.
func (r row) is(read row) bool {
	return r.note == read.note && (r.own == "" || r.own == read.own)
}

// record is a writer's record of its rows in one table.
type record struct {
	rows map[int64]row
	ids  []int64 // for random choice, in no order
	at   map[int64]int
	next int64
}

func newRecord() *record { return &record{rows: map[int64]row{}, at: map[int64]int{}} }

func (s *record) put(id int64, r row) {
	if _, present := s.rows[id]; !present {
		s.at[id] = len(s.ids)
		s.ids = append(s.ids, id)
	}
	s.rows[id] = r
}

func (s *record) drop(id int64) {
	at, present := s.at[id]
	if !present {
		return
	}
	last := s.ids[len(s.ids)-1]
	s.ids[at], s.at[last] = last, at
	s.ids = s.ids[:len(s.ids)-1]
	delete(s.at, id)
	delete(s.rows, id)
}

// clear removes every row.
func (s *record) clear() {
	clear(s.rows)
	clear(s.at)
	s.ids = nil
}

// pick returns a random row. ok is false if there is none.
func (s *record) pick(random *rand.Rand) (id int64, ok bool) {
	if len(s.ids) == 0 {
		return 0, false
	}
	return s.ids[random.IntN(len(s.ids))], true
}

// change is the effect of a transaction on a record: the new rows, nil for a deleted one.
type change map[int64]*row

func (s *record) apply(c change) {
	for id, r := range c {
		if r == nil {
			s.drop(id)
		} else {
			s.put(id, *r)
		}
	}
}

// before returns the change that reverses another one.
func (s *record) before(c change) change {
	back := change{}
	for id := range c {
		back[id] = nil
		if r, present := s.rows[id]; present {
			back[id] = &r
		}
	}
	return back
}

// fits reports whether the rows that were read can be the result of the change.
func (c change) fits(read map[int64]row) bool {
	for id, want := range c {
		got, present := read[id]
		if present != (want != nil) || present && !want.is(got) {
			return false
		}
	}
	return true
}

// code returns the SQLSTATE of an error, or "" if the server did not report it.
func code(err error) string {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal.Code
	}
	return ""
}

// lost reports whether the server was killed or the connection lost. The result of the transaction is unknown then and
// must be read.
func lost(err error) bool {
	switch code(err) {
	case "", pgerrcode.AdminShutdown, pgerrcode.CrashShutdown, pgerrcode.CannotConnectNow:
		return err != nil
	default:
		return false
	}
}
