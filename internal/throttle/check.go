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

// Check reports, before anything is changed, which of the signals that matter here cannot be read: the lag if there is a
// standby, the snapshots if there is a limit, the throttle query and the throttle file. It returns an error if the server
// cannot be queried at all.
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
		unusable, err := checkQuery(ctx, pool, l.Query)
		if err != nil {
			return nil, err
		}
		note(Query, unusable)
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

// attempts is how often a reading that timed out is tried: a brief stall of a machine does not end a run.
const attempts = 3

// retryTimeouts calls read, again if the server cancelled its statement.
func retryTimeouts(read func() error) (err error) {
	for range attempts {
		var pgErr *pgconn.PgError
		if err = read(); !errors.As(err, &pgErr) || pgErr.Code != pgerrcode.QueryCanceled {
			break
		}
	}
	return err
}

// checkQuery runs the throttle query. It returns a problem if the server rejects the query or the result has the wrong
// shape, and an error if the server cannot be queried at all.
func checkQuery(ctx context.Context, pool *pgxpool.Pool, sql string) (*problem.Problem, error) {
	if why := sqltext.CheckQuery(sql); why != "" {
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
	var pgErr *pgconn.PgError
	var resultErr *resultError
	if errors.As(err, &pgErr) || errors.As(err, &resultErr) {
		return message.ThrottleQuery(err), nil
	}
	return nil, err
}
