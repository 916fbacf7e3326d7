package pg

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

//go:embed queries/standby.sql
var standbySQL string

// Standby is a hot standby. The replay of an ACCESS EXCLUSIVE lock waits there for the sessions that read the
// table; no lock_timeout bounds that wait, and all later readers queue.
type Standby struct {
	Name string // host:port
	pool *pgxpool.Pool
	slot chan struct{} // limits it to one connection at a time
}

// Standbys returns one standby for each pool.
func Standbys(pools []*pgxpool.Pool) []*Standby {
	var all []*Standby
	for _, pool := range pools {
		at := pool.Config().ConnConfig
		all = append(all, &Standby{
			Name: net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port))), pool: pool, slot: make(chan struct{}, 1),
		})
	}
	return all
}

const (
	standbyStatementTimeout = time.Second     // statement_timeout and lock_timeout on a standby
	standbyCheckTimeout     = 5 * time.Second // for a check of a standby, including the wait for a connection
)

// Read calls work in a read-only transaction. Each of its statements may take at most one second.
func (s *Standby) Read(ctx context.Context, work func(Tx) error) error {
	select {
	case s.slot <- struct{}{}:
		defer func() { <-s.slot }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return Run(ctx, s.pool, Settings{ReadOnly: true, Lock: standbyStatementTimeout, Statement: standbyStatementTimeout}, work)
}

// Recovering reports whether the server is still a standby.
func (s *Standby) Recovering(ctx context.Context) (yes bool, err error) {
	err = s.Read(ctx, func(tx Tx) error {
		return tx.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&yes)
	})
	return yes, err
}

// StandbyBlockers returns the sessions on the standbys that would delay the replay of a lock on the table for
// longer than bound. A standby that cannot be read or does not replay counts as a blocker, since its state is
// unknown.
func StandbyBlockers(ctx context.Context, standbys []*Standby, table sqltext.Table, bound time.Duration) []Backend {
	found := make([][]Backend, len(standbys))
	var all sync.WaitGroup
	for i, s := range standbys {
		all.Go(func() { found[i] = s.blockers(ctx, table, bound) })
	}
	all.Wait()
	var blockers []Backend
	for i, s := range standbys {
		for _, b := range found[i] {
			b.Standby = s.Name
			blockers = append(blockers, b)
		}
	}
	return blockers
}

// blockers reads the standby until the transactions that held a lock at the first read have ended and the WAL that
// had been received by then is replayed. It uses rekey's clock only, and works without pg_read_all_stats:
// transactions are identified by their virtual transaction id.
func (s *Standby) blockers(ctx context.Context, table sqltext.Table, bound time.Duration) []Backend {
	ctx, cancel := context.WithTimeout(ctx, standbyCheckTimeout)
	defer cancel()
	seen, start := firstSeen{}, time.Now()
	var received int64
	for first := true; ; first = false {
		now, err := s.inspect(ctx, table)
		switch {
		case err != nil:
			return []Backend{{State: "it could not be read: " + Reason(err)}}
		case !now.recovering:
			return []Backend{{State: "it is no longer a standby"}}
		}
		if first {
			received = now.received
		}
		if old := now.old(seen, bound); len(old) > 0 {
			return old
		}
		caughtUp := now.replayed >= received
		if caughtUp && (!first || len(now.holders) == 0) {
			return nil
		}
		if !caughtUp && time.Since(start) > oldHolderAge {
			return []Backend{{State: fmt.Sprintf("it has not replayed the WAL that it received %s ago", oldHolderAge)}}
		}
		if sleep(ctx, bound) != nil {
			return []Backend{{State: "the check took too long"}}
		}
	}
}

// standbyState is the state of a standby at one time.
type standbyState struct {
	recovering         bool
	received, replayed int64 // WAL positions in bytes; received is 0 on a standby that reads an archive
	holders            []lockHolder
}

// lockHolder is a session that holds a lock on the table.
type lockHolder struct {
	Backend
	transaction string
}

// old returns the holders whose transactions are at least as old as bound, or were first seen that long ago.
func (s standbyState) old(seen firstSeen, bound time.Duration) []Backend {
	var old []Backend
	for _, h := range s.holders {
		if seen.since(h.transaction) >= bound || h.Age >= bound {
			old = append(old, h.Backend)
		}
	}
	return old
}

func (s *Standby) inspect(ctx context.Context, table sqltext.Table) (now standbyState, err error) {
	err = s.Read(ctx, func(tx Tx) error {
		rows, err := tx.Query(ctx, standbySQL, sqltext.Format("{}", table.All()))
		if err != nil {
			return err
		}
		now.holders, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h lockHolder, err error) {
			var seconds float64
			err = row.Scan(&now.recovering, &now.received, &now.replayed, &h.PID, &h.Application, &h.State, &seconds, &h.Query, &h.transaction)
			h.Age = time.Duration(seconds * float64(time.Second))
			h.Query = shorten(h.Query)
			return h, err
		})
		if len(now.holders) == 1 && now.holders[0].PID == 0 { // no session holds a lock
			now.holders = nil
		}
		return err
	})
	return now, err
}

// Reason returns the server's message without row values, or the message of the innermost error, which does not
// repeat who connects where.
func Reason(err error) string {
	if serverErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return visible.ServerMessage(serverErr)
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return visible.Error(err)
}
