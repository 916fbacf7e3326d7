package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// site is the database of one run.
type site struct {
	*lab
	url   string
	watch *pgx.Conn // reads the counters; idle during the run, so that it holds no snapshot
}

func (s *site) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return errors.Join(s.watch.Close(ctx), s.drop(ctx, working))
}

// position returns the end of the WAL, in bytes.
func (s *site) position(ctx context.Context) (bytes int64, err error) {
	err = s.watch.QueryRow(ctx, positionSQL).Scan(&bytes)
	return bytes, err
}

// sizes are the sizes of the table and its counters.
type sizes struct {
	table, indexes int64
	updated, hot   int64
}

// sizes waits until every other session has ended, because a session reports its counts when it ends.
func (s *site) sizes(ctx context.Context) (sizes, error) {
	const timeout, step = 10 * time.Second, 20 * time.Millisecond
	for range timeout / step {
		var others int
		if err := s.watch.QueryRow(ctx, sessionsSQL).Scan(&others); err != nil {
			return sizes{}, err
		}
		if others == 0 {
			break
		}
		if err := rest(ctx, step); err != nil {
			return sizes{}, err
		}
	}
	const before15 = 15 // counts reached the statistics collector, which wrote them twice a second
	if s.server.Major < before15 {
		if err := rest(ctx, 1500*time.Millisecond); err != nil {
			return sizes{}, err
		}
	}
	var found sizes
	err := s.watch.QueryRow(ctx, sizesSQL).Scan(&found.table, &found.indexes, &found.updated, &found.hot)
	return found, err
}

// reached checks that the run filled the table: an incomplete run would look fast.
func (s *site) reached(ctx context.Context) error {
	var done bool
	err := s.watch.QueryRow(ctx, goalSQL).Scan(&done)
	if err == nil && !done {
		err = errors.New("the column is nullable or has no unique index of its own")
	}
	return err
}

// rest waits. It returns early when the context ends.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
