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

	"github.com/rekey-pg/rekey/internal/visible"
)

//go:embed queries/standby.sql
var standbySQL string

// Standby is a server that replays what is done on the primary: its locks, too. There the replay of an
// ACCESS EXCLUSIVE lock waits for whoever reads the table, no lock_timeout bounds that, and every later
// reader queues behind it.
type Standby struct {
	Name string // host:port
	pool *pgxpool.Pool
	turn chan struct{} // no more than one connection at a time
}

// Standbys takes one standby from each pool.
func Standbys(pools []*pgxpool.Pool) []*Standby {
	var all []*Standby
	for _, pool := range pools {
		at := pool.Config().ConnConfig
		all = append(all, &Standby{
			Name: net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port))), pool: pool, turn: make(chan struct{}, 1),
		})
	}
	return all
}

const (
	glance  = time.Second     // for one statement on a standby
	looking = 5 * time.Second // for a look at a standby, with the wait for a connection
)

// Read runs a function in a short transaction there; no statement in it takes longer than a second.
func (s *Standby) Read(ctx context.Context, work func(Tx) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return Run(ctx, s.pool, Settings{ReadOnly: true, Lock: glance, Statement: glance}, work)
}

// Recovering tells whether it is a standby still.
func (s *Standby) Recovering(ctx context.Context) (yes bool, err error) {
	err = s.Read(ctx, func(tx Tx) error {
		return tx.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&yes)
	})
	return yes, err
}

// OnStandbys are those who would keep a lock on the table from being replayed for longer than the bound,
// on any of the standbys. One that cannot be looked at, or that does not get on with its replay, counts as well: what is not known
// is no reason to lock.
func StandbyBlockers(ctx context.Context, standbys []*Standby, table string, bound time.Duration) []Backend {
	found := make([][]Backend, len(standbys))
	var all sync.WaitGroup
	for i, s := range standbys {
		all.Go(func() { found[i] = s.inTheWay(ctx, table, bound) })
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

// inTheWay looks until whoever was there at first is gone and what had been received is replayed. No
// clock but our own decides, and no right of the role: a holder is told by its transaction.
func (s *Standby) inTheWay(ctx context.Context, table string, bound time.Duration) []Backend {
	ctx, cancel := context.WithTimeout(ctx, looking)
	defer cancel()
	met, begun := met{}, time.Now()
	var received int64
	for first := true; ; first = false {
		now, err := s.look(ctx, table)
		switch {
		case err != nil:
			return []Backend{{State: "it could not be looked at: " + Reason(err)}}
		case !now.recovering:
			return []Backend{{State: "it is no standby any more"}}
		}
		if first {
			received = now.received
		}
		if old := now.old(met, bound); len(old) > 0 {
			return old
		}
		caughtUp := now.replayed >= received
		if caughtUp && (!first || len(now.holders) == 0) {
			return nil
		}
		if !caughtUp && time.Since(begun) > grace {
			return []Backend{{State: fmt.Sprintf("what it received %s ago is not replayed yet", grace)}}
		}
		if sleep(ctx, bound) != nil {
			return []Backend{{State: "it could not be looked at: it took too long"}}
		}
	}
}

// sight is what one look at a standby has shown.
type sight struct {
	recovering         bool
	received, replayed int64 // bytes of WAL; nothing is received by one that reads an archive
	holders            []standing
}

type standing struct {
	Backend
	transaction string
}

// old are the holders that were met a bound ago or longer.
func (s sight) old(met met, bound time.Duration) []Backend {
	var old []Backend
	for _, h := range s.holders {
		if met.since(h.transaction) >= bound || h.Age >= bound {
			old = append(old, h.Backend)
		}
	}
	return old
}

func (s *Standby) look(ctx context.Context, table string) (now sight, err error) {
	err = s.Read(ctx, func(tx Tx) error {
		rows, err := tx.Query(ctx, standbySQL, table)
		if err != nil {
			return err
		}
		now.holders, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h standing, err error) {
			var seconds float64
			err = row.Scan(&now.recovering, &now.received, &now.replayed, &h.PID, &h.Application, &h.State, &seconds, &h.Query, &h.transaction)
			h.Age = time.Duration(seconds * float64(time.Second))
			h.Query = shorten(h.Query)
			return h, err
		})
		if len(now.holders) == 1 && now.holders[0].PID == 0 { // nobody
			now.holders = nil
		}
		return err
	})
	return now, err
}

// Reason is the server's message without values of rows, or the innermost error: the outer ones name who
// connects, once more.
func Reason(err error) string {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return visible.Said(refusal)
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return visible.Error(err)
}
