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

// notebook is a diary in a table of the database. What it is told happens before every transaction.
type notebook struct {
	before func(n int) error // n counts from 1
	mu     sync.Mutex
	n      int
	saved  []Checkpoint
}

const places = `CREATE TABLE places (region int8 PRIMARY KEY, filenode int8, state bytea, rows int8);`

func (d *notebook) Load(ctx context.Context, tx pg.Tx) ([]Checkpoint, error) {
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

func (d *notebook) Save(ctx context.Context, tx pg.Tx, p Checkpoint) error {
	d.mu.Lock()
	d.saved = append(d.saved, p)
	d.mu.Unlock()
	_, err := tx.Exec(ctx, `INSERT INTO public.places VALUES ($1, $2, $3, $4)
		ON CONFLICT (region) DO UPDATE SET filenode = excluded.filenode, state = excluded.state, rows = excluded.rows`,
		p.Region, int64(p.Filenode), p.State, p.Rows)
	return err
}

func (d *notebook) Guard(context.Context, pg.Tx) error {
	d.mu.Lock()
	d.n++
	n := d.n
	d.mu.Unlock()
	if d.before == nil {
		return nil
	}
	return d.before(n)
}

var errCut = errors.New("cut")

// small makes the regions small, so that a table of a test has several.
func small(w Work) *filler {
	f := newFiller(w)
	f.choice.Region = 100
	return f
}

func TestCutAndResumed(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := lay(t, c, events(50000)+places)
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		var rows int64
		for cuts := 0; ; cuts++ {
			before := b.positions()
			diary := &notebook{}
			last := 2 + random.IntN(40)
			diary.before = func(n int) error {
				if n > last && cuts < 6 {
					return errCut
				}
				return nil
			}
			w := b.work()
			w.Checkpoints = diary
			result, err := small(w).fillAll(t.Context())
			rows += result.Rows
			for region, was := range before {
				for _, place := range diary.saved {
					if now, _ := decode(place, was.By); place.Region == region {
						if was.Over && now.From < was.To || !was.Over && (now.From < was.From || now.From == was.From && now.Wave < was.Wave) {
							t.Errorf("seed %d: from %+v back to %+v", seed, was, now)
						}
						break
					}
				}
			}
			if err == nil {
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
		}
		b.whole()
		// A worker that is cut while the other's batch commits never hears of those rows: fewer may be
		// counted than were filled, never more.
		if rows > 50000 {
			t.Errorf("seed %d: %d rows in all", seed, rows)
		}
	})
}

// positions are those that the places table holds.
func (b *bed) positions() map[int64]position {
	b.Helper()
	all := map[int64]position{}
	err := pg.Read(b.Context(), b.pool, func(tx pg.Tx) error {
		saved, err := (&notebook{}).Load(b.Context(), tx)
		for _, place := range saved {
			for _, by := range []By{ByPage, ByKey, ByTuple} {
				if p, ok := decode(place, by); ok {
					all[place.Region] = p
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

func TestPlacesAreWorthlessAfterRewrite(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := lay(t, c, events(50000)+places)
		w := b.work()
		w.Checkpoints = &notebook{before: func(n int) error {
			if n > 40 {
				return errCut
			}
			return nil
		}}
		if _, err := small(w).fillAll(t.Context()); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		b.exec("DELETE FROM t WHERE id % 3 = 0")
		b.exec("VACUUM FULL t")
		again := &notebook{}
		w = b.work()
		w.Checkpoints = again
		if _, err := small(w).fillAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.whole()
		if p, _ := decode(again.saved[0], small(w).choice.By); p.Begun || p.Wave > 0 {
			t.Errorf("it went on at %+v", p)
		}
	})
}

func TestTableIsRewrittenMeanwhile(t *testing.T) {
	for _, sql := range []string{"VACUUM FULL t", "TRUNCATE t"} {
		t.Run(sql[:6], func(t *testing.T) {
			servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
				t.Parallel()
				b := lay(t, c, events(50000)+places)
				var nodes []uint32
				diary := &notebook{}
				diary.before = func(n int) error {
					if n == 30 {
						b.exec(sql)
						b.exec("INSERT INTO t SELECT g, 1, 'new', '{}', now() FROM generate_series(200000, 203000) g")
					}
					return nil
				}
				w := b.work()
				w.Checkpoints, w.Workers = diary, 1
				if _, err := small(w).fillAll(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.whole()
				for _, p := range diary.saved {
					if len(nodes) == 0 || nodes[len(nodes)-1] != p.Filenode {
						nodes = append(nodes, p.Filenode)
					}
				}
				if sql != "TRUNCATE t" && len(nodes) != 2 {
					t.Errorf("under the files %v", nodes)
				}
			})
		})
	}
}

func TestSessionsAreCut(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := lay(t, c, events(50000)+places)
		diary := &notebook{before: func(n int) error {
			if n%40 == 10 {
				b.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			}
			return nil
		}}
		w := b.work()
		w.Checkpoints = diary
		if _, err := small(w).fillAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.whole()
	})
}

func TestFenced(t *testing.T) {
	t.Parallel()
	b := lay(t, servertest.Cluster(t, servertest.Versions(t)[0]), events(50000)+places)
	fenced := errors.New("another run")
	w := b.work()
	w.Checkpoints = &notebook{before: func(int) error { return fenced }}
	if result, err := Run(t.Context(), w); !errors.Is(err, fenced) || result.Rows != 0 {
		t.Errorf("%+v, %v", result, err)
	}
}
