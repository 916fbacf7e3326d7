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

// Backend describes a session or a prepared transaction that holds a lock. Fields that the role has no right to see
// are empty.
type Backend struct {
	PID         int
	Application string
	State       string
	Age         time.Duration // how long its transaction has been open
	Query       string        // at most 80 characters, with literals removed
	Standby     string        // name of the standby that it runs on; "" is the primary
}

// String returns one line that describes the session.
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

// oldHolderAge is the age from which on a transaction that holds a lock on the table is waited out without queueing
// for the lock.
const oldHolderAge = time.Second

// oldHolders returns the sessions whose transactions have held a lock on the table for at least oldHolderAge, such
// as a dump or a report. A request for ACCESS EXCLUSIVE would block all later sessions until they end.
//
// A role without pg_read_all_stats does not see the age of other roles' transactions. The age of those counts from
// the first call of oldHolders that returned them.
func (c Changer) oldHolders(ctx context.Context, table sqltext.Table) ([]Backend, error) {
	if c.Session.checked.covers(table) {
		return nil, nil
	}
	type holder struct {
		Backend
		transaction string
	}
	var found []holder
	err := c.Session.ReadOutsideTx(ctx, func(tx Tx) error {
		rows, err := tx.QueryPrepared(ctx, holdersSQL, sqltext.Format("{}", table.All()), oldHolderAge.Seconds())
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h holder, err error) {
			h.Backend, err = scanBackendAnd(row, &h.transaction)
			return h, err
		})
		return err
	})
	if err == nil && len(found) == 0 {
		c.Session.checked = tableCheck{table, time.Now()}
	}
	var old []Backend
	for _, h := range found {
		if h.Age < 0 {
			h.Age = c.firstSeen.since(h.transaction)
			if h.Age < oldHolderAge {
				continue
			}
		}
		old = append(old, h.Backend)
	}
	return old, err
}

// tableCheck records when a table was last found without old holders.
type tableCheck struct {
	table sqltext.Table
	at    time.Time
}

// covers reports whether the check is recent enough to be used for the table: younger than a tenth of oldHolderAge.
func (f tableCheck) covers(table sqltext.Table) bool {
	return f.table.Same(table) && time.Since(f.at) < oldHolderAge/10
}

// firstSeen maps transactions of unknown age to the time when they were first seen.
type firstSeen map[string]time.Time

func (m firstSeen) since(transaction string) time.Duration {
	if _, known := m[transaction]; !known {
		m[transaction] = time.Now()
	}
	return time.Since(m[transaction])
}

func scanBackend(row pgx.CollectableRow) (Backend, error) { return scanBackendAnd(row) }

// scanBackendAnd reads a backend and the columns that follow it.
func scanBackendAnd(row pgx.CollectableRow, more ...any) (Backend, error) {
	var b Backend
	var seconds float64
	err := row.Scan(append([]any{&b.PID, &b.Application, &b.State, &seconds, &b.Query}, more...)...)
	b.Age = time.Duration(seconds * float64(time.Second))
	b.Query = shorten(b.Query)
	return b, err
}

// maxQueryLength is the number of characters of a query that are shown.
const maxQueryLength = 80

// shorten removes the literals from a query, since they may be secrets, and truncates it.
func shorten(query string) string {
	return visible.Truncate(sqltext.WithoutValues(query), maxQueryLength)
}
