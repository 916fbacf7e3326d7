package verify

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/pg"
)

const (
	// shardAttempts is how often a shard that moves, or a table whose shards are split, is read.
	shardAttempts = 5
	// shardPause is the pause before the place of a shard is read again.
	shardPause = time.Second
	// queuedShards is how many shards wait for each node, so that memory does not grow with the shards.
	queuedShards = 16
)

// errSplit reports that shards were split, or made, while the table was read.
var errSplit = errors.New("shards were split while they were read")

// checkShardOrder checks the order in each shard of a table, on all nodes side by side and one shard after the other on each. Ties are
// broken by key within a shard, so that rows of one instant in different shards have no order. The reason says why nothing was checked.
func (r *nodeReader) checkShardOrder(ctx context.Context, table *catalog.Table, e ordered.Expectation) (total ordered.Proof, reason string, err error) {
	for range shardAttempts {
		s := shardScan{nodeReader: r, table: table, expectation: e}
		err = s.all(ctx)
		switch reason := notRead(err); {
		case errors.Is(err, errSplit):
		case errors.Is(err, cluster.ErrMoved):
			return ordered.Proof{}, "shards were moved while they were read", nil
		case reason != "":
			return ordered.Proof{}, reason, nil
		default:
			return s.total, "", err
		}
	}
	return ordered.Proof{}, errSplit.Error(), nil
}

// shardScan is one pass over the shards of a table.
type shardScan struct {
	*nodeReader
	table       *catalog.Table
	expectation ordered.Expectation

	mu    sync.Mutex
	total ordered.Proof
}

// all reads every shard once: shards are taken in the order of their numbers, which stay the same when they move.
func (s *shardScan) all(ctx context.Context) error {
	var last int64
	err := pg.Read(ctx, s.coordinator, func(tx pg.Tx) (err error) {
		last, err = cluster.LastShard(ctx, tx, s.table.OID)
		return err
	})
	if err != nil {
		return err
	}
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var readers sync.WaitGroup
	queues := map[int32]chan cluster.Placement{}
	err = s.each(working, last, func(p cluster.Placement) {
		queue, known := queues[p.Node.Group]
		if !known {
			queue = make(chan cluster.Placement, queuedShards)
			queues[p.Node.Group] = queue
			readers.Go(func() {
				for p := range queue {
					if err := s.shard(working, p); err != nil {
						cancel(err)
						return
					}
				}
			})
		}
		select {
		case queue <- p:
		case <-working.Done():
		}
	})
	for _, queue := range queues {
		close(queue)
	}
	readers.Wait()
	if working.Err() != nil && ctx.Err() == nil {
		return context.Cause(working)
	}
	return err
}

// each calls take for each shard, with the node that has it then.
func (s *shardScan) each(ctx context.Context, last int64, take func(cluster.Placement)) error {
	for above := int64(0); ctx.Err() == nil; {
		p, found, err := s.next(ctx, above)
		if err != nil || !found {
			return err
		}
		if p.ID > last {
			return errSplit
		}
		take(p)
		above = p.ID
	}
	return ctx.Err()
}

func (s *shardScan) next(ctx context.Context, above int64) (p cluster.Placement, found bool, err error) {
	err = pg.Read(ctx, s.coordinator, func(tx pg.Tx) (err error) {
		p, found, err = cluster.NextPlacement(ctx, tx, s.table.OID, above)
		return err
	})
	return p, found, err
}

// shard checks one shard, where it is then if it moves.
func (s *shardScan) shard(ctx context.Context, p cluster.Placement) error {
	for attempt := 1; ; attempt++ {
		var proof ordered.Proof
		err := s.read(ctx, p, func(tx pg.Tx, shard catalog.Table) (err error) {
			proof, err = ordered.Prove(ctx, tx, shard, s.expectation)
			return err
		})
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.total = s.total.Add(proof)
			return nil
		}
		if !errors.Is(err, cluster.ErrMoved) || attempt == shardAttempts {
			return err
		}
		if p, err = s.again(ctx, p); err != nil {
			return err
		}
	}
}

// again waits, and returns where a shard is that was moved.
func (s *shardScan) again(ctx context.Context, p cluster.Placement) (cluster.Placement, error) {
	if err := wait(ctx, shardPause); err != nil {
		return p, err
	}
	now, found, err := s.next(ctx, p.ID-1)
	if err == nil && (!found || now.ID != p.ID) {
		err = errSplit
	}
	return now, err
}
