package backfill

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// tableCheckpoints keeps checkpoints in a table of the database. It calls before in every transaction.
type tableCheckpoints struct {
	before func(n int) error // n counts from 1
	fence  string
	mu     sync.Mutex
	guards int
	saved  []Checkpoint
}

const checkpointsTable = `CREATE TABLE places (region int8 PRIMARY KEY, filenode int8, state bytea, rows int8);`

func (d *tableCheckpoints) Load(ctx context.Context, tx pg.Tx) ([]Checkpoint, error) {
	rows, err := tx.Query(ctx, "SELECT filenode, region, state, rows FROM public.places ORDER BY region")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Checkpoint, err error) {
		var node int64
		err = row.Scan(&node, &p.Region, &p.State, &p.Rows)
		p.Filenode = uint32(node)
		return p, err
	})
}

func (d *tableCheckpoints) Save(ctx context.Context, tx pg.Tx, p Checkpoint) error {
	d.mu.Lock()
	d.saved = append(d.saved, p)
	d.mu.Unlock()
	_, err := tx.Exec(ctx, `INSERT INTO public.places VALUES ($1, $2, $3, $4)
		ON CONFLICT (region) DO UPDATE SET filenode = excluded.filenode, state = excluded.state, rows = excluded.rows`,
		p.Region, int64(p.Filenode), p.State, p.Rows)
	return err
}

func (d *tableCheckpoints) Preconditions() []pg.Precondition {
	if d.fence == "" {
		return nil
	}
	return []pg.Precondition{{Query: d.fence, Err: pg.ErrFenced}}
}

func (d *tableCheckpoints) Guard(context.Context, pg.Tx) error {
	d.mu.Lock()
	d.guards++
	n := d.guards
	d.mu.Unlock()
	if d.before == nil {
		return nil
	}
	return d.before(n)
}

var errInterrupted = errors.New("interrupted")

// smallRegions returns a filler with small regions, so that the table of a test has several.
func smallRegions(w Job) *statementMethod {
	f := w.method()
	f.choice.Region = 100
	return f
}

func TestResumesAfterInterruption(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(50000)+checkpointsTable)
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		var rows int64
		for interruptions := 0; ; interruptions++ {
			before := b.savedPositions()
			checkpoints := &tableCheckpoints{}
			last := 2 + random.IntN(40)
			checkpoints.before = func(n int) error {
				if n > last && interruptions < 6 {
					return errInterrupted
				}
				return nil
			}
			w := b.job()
			w.Checkpoints = checkpoints
			result, err := smallRegions(w).fillAll(t.Context())
			rows += result.Rows
			for region, was := range before {
				for _, checkpoint := range checkpoints.saved {
					if now, _ := decode(checkpoint, was.By); checkpoint.Region == region {
						if was.Over && now.From < was.To || !was.Over && (now.From < was.From || now.From == was.From && now.Wave < was.Wave) {
							t.Errorf("seed %d: the position went back from %+v to %+v", seed, was, now)
						}
						break
					}
				}
			}
			if err == nil {
				break
			}
			if !errors.Is(err, errInterrupted) {
				t.Fatal(err)
			}
		}
		b.requireFilled()
		// A worker that is interrupted while another worker's batch commits does not learn of those rows: fewer may be
		// counted than were filled, never more.
		if rows > 50000 {
			t.Errorf("seed %d: %d rows were counted", seed, rows)
		}
	})
}

// savedPositions returns the positions in the table of checkpoints.
func (b *env) savedPositions() map[int64]position {
	b.Helper()
	all := map[int64]position{}
	err := pg.Read(b.Context(), b.pool, func(tx pg.Tx) error {
		saved, err := (&tableCheckpoints{}).Load(b.Context(), tx)
		for _, checkpoint := range saved {
			for _, by := range []By{ByPage, ByKey, ByTuple} {
				if p, ok := decode(checkpoint, by); ok {
					all[checkpoint.Region] = p
				}
			}
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

func TestIgnoresCheckpointsAfterRewrite(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(50000)+checkpointsTable)
		w := b.job()
		w.Checkpoints = &tableCheckpoints{before: func(n int) error {
			if n > 40 {
				return errInterrupted
			}
			return nil
		}}
		if _, err := smallRegions(w).fillAll(t.Context()); !errors.Is(err, errInterrupted) {
			t.Fatal(err)
		}
		b.exec("DELETE FROM t WHERE id % 3 = 0")
		b.exec("VACUUM FULL t")
		again := &tableCheckpoints{}
		w = b.job()
		w.Checkpoints = again
		if _, err := smallRegions(w).fillAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.requireFilled()
		if p, _ := decode(again.saved[0], smallRegions(w).choice.By); p.Begun || p.Wave > 0 {
			t.Errorf("it resumed at %+v", p)
		}
	})
}

func TestContinuesAfterRewrite(t *testing.T) {
	for _, sql := range []string{"VACUUM FULL t", "TRUNCATE t"} {
		t.Run(sql[:6], func(t *testing.T) {
			servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
				t.Parallel()
				b := newEnv(t, c, events(50000)+checkpointsTable)
				var nodes []uint32
				checkpoints := &tableCheckpoints{}
				checkpoints.before = func(n int) error {
					if n == 30 {
						b.exec(sql)
						b.exec("INSERT INTO t SELECT g, 1, 'new', '{}', now() FROM generate_series(200000, 203000) g")
					}
					return nil
				}
				w := b.job()
				w.Checkpoints, w.Workers = checkpoints, 1
				if _, err := smallRegions(w).fillAll(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.requireFilled()
				for _, p := range checkpoints.saved {
					if len(nodes) == 0 || nodes[len(nodes)-1] != p.Filenode {
						nodes = append(nodes, p.Filenode)
					}
				}
				if sql != "TRUNCATE t" && len(nodes) != 2 {
					t.Errorf("the filenodes were %v, want two", nodes)
				}
			})
		})
	}
}

func TestContinuesAfterLostSessions(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(50000)+checkpointsTable)
		checkpoints := &tableCheckpoints{before: func(n int) error {
			if n%40 == 10 {
				b.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			}
			return nil
		}}
		w := b.job()
		w.Checkpoints = checkpoints
		if _, err := smallRegions(w).fillAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.requireFilled()
	})
}

func TestEndsWhenGuardFails(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, servertest.Versions(t)[0]), events(50000)+checkpointsTable)
	taken := errors.New("another run has taken over")
	w := b.job()
	w.Checkpoints = &tableCheckpoints{before: func(int) error { return taken }}
	if result, err := Run(t.Context(), w); !errors.Is(err, taken) || result.Rows != 0 {
		t.Errorf("got %+v, %v", result, err)
	}
	w.Checkpoints = &tableCheckpoints{fence: "SELECT WHERE false"}
	if result, err := Run(t.Context(), w); !errors.Is(err, pg.ErrFenced) || result.Rows != 0 || b.number("SELECT count(uuid) FROM t") > 0 {
		t.Errorf("fenced: got %+v, %v", result, err)
	}
}
