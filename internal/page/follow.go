package page

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/visible"
)

const (
	// followInterval is the time between two reads of the journal, however many pages are open.
	followInterval = 500 * time.Millisecond
	// readLimit limits each read.
	readLimit = 10 * time.Second
	// leaseEvery is the number of reads after which the lease of the run is read too.
	leaseEvery = 4
)

// source is where a run is read from.
type source interface {
	// last returns the newest run, 0 for none, and whether the journal says that it has ended.
	last(ctx context.Context) (run int64, ended bool, err error)
	// events returns the events of a run after a position.
	events(ctx context.Context, run, after int64) ([]history.Entry, error)
	// alive reports whether a run holds the lease.
	alive(ctx context.Context) (bool, error)
}

// Journal is the journal of a schema.
type Journal struct {
	Pool   *pgxpool.Pool
	Schema string
	Trusts []string // as for journal.Ensure
}

func (j Journal) last(ctx context.Context) (run int64, ended bool, err error) {
	runs, err := journal.Runs(ctx, j.Pool, j.Schema, j.Trusts...)
	if err != nil || len(runs) == 0 {
		return 0, false, err
	}
	return runs[0].ID, !runs[0].Ended.IsZero(), nil
}

func (j Journal) events(ctx context.Context, run, after int64) ([]history.Entry, error) {
	return journal.LoadEvents(ctx, j.Pool, run, after, j.Trusts...)
}

func (j Journal) alive(ctx context.Context) (bool, error) {
	lease, err := journal.ActiveRun(ctx, j.Pool, j.Schema, j.Trusts...)
	return lease != nil, err
}

// Follow shows the newest run of a journal on a board, and the next one when it begins, until the context ends. While the
// database does not answer, the board says so.
func Follow(ctx context.Context, j Journal, board *Board) {
	f := &follower{source: j, board: board}
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	for {
		f.inspect(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// follower is what Follow knows.
type follower struct {
	source source
	board  *Board
	state  history.State
	run    int64
	shown  bool
	reads  int
	dead   bool // no process holds the lease
}

// inspect reads the journal once.
func (f *follower) inspect(ctx context.Context) {
	reading, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	changed, ended, err := f.read(reading)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		f.board.Trouble(troubleText(err))
	case changed || !f.shown:
		f.shown = true
		f.board.Show(f.state)
	case f.state.Result == nil && f.run != 0 && (ended || f.dead):
		f.board.Trouble("The process of this run has ended without a result: it was killed, or lost its connection. The same command resumes the run.")
	default:
		f.board.Trouble("")
	}
}

// read adds the new events to the state.
func (f *follower) read(ctx context.Context) (changed, ended bool, err error) {
	run, ended, err := f.source.last(ctx)
	if err != nil {
		return false, false, err
	}
	if run != f.run {
		f.run, f.state, changed = run, history.State{Run: run}, true
	}
	if run == 0 {
		return changed, false, nil
	}
	entries, err := f.source.events(ctx, run, f.state.Seq)
	if err != nil {
		return false, false, err
	}
	for _, entry := range entries {
		f.state, changed = history.Fold(f.state, entry), true
	}
	if f.reads++; f.reads%leaseEvery == 0 {
		alive, err := f.source.alive(ctx)
		if err != nil {
			return false, false, err
		}
		f.dead = !alive
	}
	return changed, ended, nil
}

// troubleText says that the database does not answer. It has no text of the server or of a connection string.
func troubleText(err error) string {
	return "The database does not answer (" + visible.Line(problemOf(fault.Explain("rekey serve", err)).Message) + "). The page shows what was known before, and tries again."
}
