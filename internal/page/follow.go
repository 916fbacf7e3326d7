package page

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/visible"
)

const (
	// followInterval is the time between two reads of the journal, however many pages are open.
	followInterval = 500 * time.Millisecond
	// readLimit limits each read.
	readLimit = 10 * time.Second
)

// Journal is the journal of a schema.
type Journal struct {
	Pool   *pgxpool.Pool
	Schema string
	Trusts []string // as for journal.Ensure
}

// Follow shows the newest run of a journal on a board, and the next one when it begins, until the context ends. While the
// database does not answer, the board says so.
func Follow(ctx context.Context, j Journal, board *Board) {
	f := &follower{read: (&journal.Follower{Pool: j.Pool, Schema: j.Schema, Trusts: j.Trusts}).Read, board: board}
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
	read   func(context.Context) (journal.Followed, error)
	board  *Board
	shown  bool
	killed bool // the process of the run that the board shows
}

const killedText = "The process of this run has ended without a result: it was killed, or lost its connection. The same command resumes the run."

// inspect reads the journal once. While a run that holds the lease has not begun, the board shows the run before it.
func (f *follower) inspect(ctx context.Context) {
	reading, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	found, err := f.read(reading)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		f.board.Trouble(troubleText(err))
		return
	}
	before := f.killed
	if found.Run != nil {
		f.killed = found.State.Result == nil && found.Lease == nil
	}
	switch {
	case found.Changed || !f.shown, found.Run != nil && f.killed != before:
		f.shown = true
		f.board.Show(found.State, f.killed)
	case f.killed:
		f.board.Trouble(killedText)
	default:
		f.board.Trouble("")
	}
}

// troubleText says that the database does not answer. It has no text of the server or of a connection string.
func troubleText(err error) string {
	return "The database does not answer (" + visible.Line(problemOf(fault.Explain("rekey serve", err)).Message) + "). The page shows what was known before, and tries again."
}
