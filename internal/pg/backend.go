package pg

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// Backend is a session that stands in the way. What the role may not see is empty.
type Backend struct {
	PID         int
	Application string
	State       string
	Age         time.Duration // of its transaction
	Query       string        // cut short and without literals
	Standby     string        // where it is; "" is the primary
}

// String is a line for people.
func (b Backend) String() string {
	var parts []string
	if b.PID != 0 { // a prepared transaction has no process
		parts = append(parts, fmt.Sprintf("pid %d", b.PID))
	}
	for _, part := range []string{b.Application, b.State} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if b.Age > 0 {
		parts = append(parts, "for "+b.Age.Round(time.Millisecond).String())
	}
	if b.Query != "" {
		parts = append(parts, b.Query)
	}
	if b.Standby != "" {
		return "standby " + b.Standby + ": " + strings.Join(parts, ", ")
	}
	return strings.Join(parts, ", ")
}

//go:embed queries/blockers.sql
var blockersSQL string

//go:embed queries/holders.sql
var holdersSQL string

// grace is how old a transaction must be before a lock that it holds is not queued behind at all.
const grace = time.Second

// oldHolders are the sessions whose transactions hold a lock on the table for longer than grace: a
// dump, a report. They are waited for without queueing, since whoever comes after would queue behind.
//
// A plain role is not told how old the transactions of other roles are. Those count from the first look
// that met them.
func (c Changer) oldHolders(ctx context.Context, table string) ([]Backend, error) {
	if c.Session.free.of(table) {
		return nil, nil
	}
	type holder struct {
		Backend
		transaction string
	}
	var found []holder
	err := c.Session.ReadOutsideTx(ctx, func(tx Tx) error {
		rows, err := tx.QueryPrepared(ctx, holdersSQL, table, grace.Seconds())
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h holder, err error) {
			h.Backend, err = scan(row, &h.transaction)
			return h, err
		})
		return err
	})
	if err == nil && len(found) == 0 {
		c.Session.free = free{table, time.Now()}
	}
	var old []Backend
	for _, h := range found {
		if h.Age < 0 {
			h.Age = c.met.since(h.transaction)
			if h.Age < grace {
				continue
			}
		}
		old = append(old, h.Backend)
	}
	return old, err
}

// free records that no old transaction held a lock on a table, and when.
type free struct {
	table string
	at    time.Time
}

// of reports whether the record still holds for a table: it makes grace a tenth longer.
func (f free) of(table string) bool { return f.table == table && time.Since(f.at) < grace/10 }

// met are the transactions of unknown age that were met, and when that was first.
type met map[string]time.Time

func (m met) since(transaction string) time.Duration {
	if _, known := m[transaction]; !known {
		m[transaction] = time.Now()
	}
	return time.Since(m[transaction])
}

func scanBackend(row pgx.CollectableRow) (Backend, error) { return scan(row) }

// scan reads a backend, and the columns that come after it.
func scan(row pgx.CollectableRow, more ...any) (Backend, error) {
	var b Backend
	var seconds float64
	err := row.Scan(append([]any{&b.PID, &b.Application, &b.State, &seconds, &b.Query}, more...)...)
	b.Age = time.Duration(seconds * float64(time.Second))
	b.Query = shorten(b.Query)
	return b, err
}

// mostQuery is how much of a query is shown.
const mostQuery = 80

// shorten takes the values out of a query, which may be secrets, and leaves its beginning.
func shorten(query string) string { return visible.Cut(sqltext.WithoutValues(query), mostQuery) }
