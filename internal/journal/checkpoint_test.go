package journal

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

func checkpoints(t *testing.T, pool *pgxpool.Pool, relation uint32) (found []Checkpoint) {
	t.Helper()
	must(t, pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
		found, err = LoadCheckpoints(t.Context(), tx, relation)
		return err
	}))
	return found
}

func TestCheckpointIsRolledBackWithItsBatch(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		exec(t, pool, "CREATE TABLE public.work (n int)")
		first := Checkpoint{Relation: 1<<32 - 1, Filenode: 1<<31 + 1, Column: 32767, Region: -1 << 63, State: []byte("\x00{\"wave\": 3}\xff"), Rows: 5}
		inTx(t, pool, func(ctx context.Context, tx pg.Tx) error { return SaveCheckpoint(ctx, tx, first) })

		failed := errors.New("the batch fails")
		err := pg.Run(t.Context(), pool, shortTx(), func(tx pg.Tx) error {
			if _, err := tx.Exec(t.Context(), "INSERT INTO public.work VALUES (1)"); err != nil {
				return err
			}
			next := first
			next.Rows, next.State = 6, nil
			if err := SaveCheckpoint(t.Context(), tx, next); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Checkpoint{first}, checkpoints(t, pool, first.Relation)); diff != "" {
			t.Error("the checkpoint was saved without its rows:", diff)
		}
		if n := queryValue[int](t, pool, "SELECT count(*) FROM public.work"); n != 0 {
			t.Errorf("%d rows are left of the batch", n)
		}
	})
}

func TestCheckpointsOfOneTable(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		want := []Checkpoint{
			{Relation: 10, Filenode: 3, Column: 1, Region: 2, State: []byte{}, Rows: 9},
			{Relation: 10, Filenode: 2, Column: 2, Region: 1, State: []byte{}},
		}
		inTx(t, pool, func(ctx context.Context, tx pg.Tx) error {
			return errors.Join(
				SaveCheckpoint(ctx, tx, want[1]),
				SaveCheckpoint(ctx, tx, Checkpoint{Relation: 10, Filenode: 2, Column: 1, Region: 2, State: []byte("old")}),
				SaveCheckpoint(ctx, tx, want[0]),
				SaveCheckpoint(ctx, tx, Checkpoint{Relation: 11}),
			)
		})
		if diff := cmp.Diff(want, checkpoints(t, pool, 10)); diff != "" {
			t.Error(diff)
		}
		inTx(t, pool, func(ctx context.Context, tx pg.Tx) error { return DeleteCheckpoints(ctx, tx, 10) })
		if len(checkpoints(t, pool, 10)) != 0 || len(checkpoints(t, pool, 11)) != 1 {
			t.Error("DeleteCheckpoints deleted the wrong table's checkpoints")
		}
	})
}

func TestSaveOriginalKeepsFirstCountAndAdoption(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		var found map[Column]Original
		inTx(t, pool, func(ctx context.Context, tx pg.Tx) (err error) {
			err = errors.Join(
				SaveOriginal(ctx, tx, Column{1, 2}, Original{OtherVersions: 7}),
				SaveOriginal(ctx, tx, Column{1, 3}, Original{Adopted: true}),
				SaveOriginal(ctx, tx, Column{1, 2}, Original{OtherVersions: 100, Adopted: true}),
				SaveOriginal(ctx, tx, Column{1, 3}, Original{OtherVersions: 5}),
				SaveOriginal(ctx, tx, Column{2, 3}, Original{OtherVersions: 5}),
			)
			if err == nil {
				found, err = LoadOriginals(ctx, tx, 1, 4)
			}
			return err
		})
		if want := map[Column]Original{{1, 2}: {7, true}, {1, 3}: {0, true}}; !maps.Equal(found, want) {
			t.Errorf("got %v, want %v", found, want)
		}
	})
}
