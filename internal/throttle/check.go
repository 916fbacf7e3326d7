package throttle

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/problem"
)

// Check looks, before anything is changed, whether each signal that matters here can be read: the lag
// where there is a standby, the snapshots where there is a limit, the user's question, the file.
func Check(ctx context.Context, pool *pgxpool.Pool, role catalog.Role, l Limits) (problem.List, error) {
	var found problem.List
	note := func(name string, p *problem.Problem) {
		if p != nil && !slices.Contains(l.Without, name) {
			found = append(found, p)
		}
	}
	lag, err := checkLag(ctx, pool, role)
	if err != nil {
		return nil, err
	}
	note(Lag, lag)
	if l.MaxSnapshotAge > 0 && !role.Monitor {
		note(Snapshots, message.SignalHidden(Snapshots, "the age of other roles' transactions", sqltext.Ident(role.Name)))
	}
	if l.Query != "" {
		asked, err := checkQuery(ctx, pool, l.Query)
		if err != nil {
			return nil, err
		}
		note(Query, asked)
	}
	if l.File != "" {
		if _, err := fileReason(l.File); err != nil {
			note(File, message.ThrottleFile(l.File, err))
		}
	}
	return found, nil
}

func checkLag(ctx context.Context, pool *pgxpool.Pool, role catalog.Role) (*problem.Problem, error) {
	var hidden *problem.Problem
	err := retryTimeouts(func() error {
		return pg.Run(ctx, pool, readSettings(readTimeout), func(tx pg.Tx) error {
			hidden = nil
			found, err := readFollowers(ctx, tx)
			for _, f := range found {
				if f.Hidden {
					hidden = message.SignalHidden(Lag, "the lag of standby "+f.Name, sqltext.Ident(role.Name))
				}
			}
			return err
		})
	})
	return hidden, err
}

// tries is how often what ran out of its time is asked: a machine that stands still for a moment is no reason
// to refuse a run, or to end it.
const attempts = 3

// inTime asks, and again where the server ended that for the time it took.
func retryTimeouts(read func() error) (err error) {
	for range attempts {
		var refusal *pgconn.PgError
		if err = read(); !errors.As(err, &refusal) || refusal.Code != pgerrcode.QueryCanceled {
			break
		}
	}
	return err
}

// checkQuery puts the question. One that the server refuses is refused; a server that cannot be asked at
// all is an error.
func checkQuery(ctx context.Context, pool *pgxpool.Pool, sql string) (*problem.Problem, error) {
	if why := sqltext.Question(sql); why != "" {
		return message.ThrottleQuery(&resultError{why}), nil
	}
	err := retryTimeouts(func() error {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		return ignoreRollBack(inReadTransaction(ctx, pool, func(tx pg.Tx) error {
			_, err := queryReason(ctx, tx, sql)
			return rollBack(err)
		}))
	})
	var refusal *pgconn.PgError
	var shape *resultError
	if errors.As(err, &refusal) || errors.As(err, &shape) {
		return message.ThrottleQuery(err), nil
	}
	return nil, err
}
