package journal

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Follower follows the newest run in a schema. Each read loads only the events that were recorded since the last one, so that
// a long run costs as little as a short one. Its methods must not be called at the same time.
type Follower struct {
	Pool   *pgxpool.Pool
	Schema string
	Trusts []string // as for [Ensure]

	run   int64
	state history.State
}

// Followed is what a read of a [Follower] found, in one snapshot.
type Followed struct {
	// State is the state of the newest run. It is empty if no run has recorded an event, and while a run that holds the lease
	// has not begun: the run before it is not the active one.
	State history.State
	// Run is the newest run, or nil if there is none, or if it has not begun.
	Run *Run
	// Lease is the lease of the active run, or nil.
	Lease *HeldLease
	// Changed is true if the run has recorded events since the last read, or is another one.
	Changed bool
}

// Read adds the events since the last read. After an error the next read begins where the last one ended.
func (f *Follower) Read(ctx context.Context) (Followed, error) {
	var found Followed
	var entries []history.Entry
	err := pg.Read(ctx, f.Pool, func(tx pg.Tx) (err error) {
		found, entries, err = f.load(ctx, tx)
		return err
	})
	if err != nil {
		return Followed{}, err
	}
	if found.Run != nil && found.Run.ID != f.run {
		f.run, f.state, found.Changed = found.Run.ID, history.State{Run: found.Run.ID}, true
	}
	for _, entry := range entries {
		f.state, found.Changed = history.Fold(f.state, entry), true
	}
	if found.Lease != nil && !found.Run.holds(found.Lease) {
		return Followed{Lease: found.Lease}, nil
	}
	if found.Run != nil {
		found.State = f.state
	}
	return found, nil
}

// load reads the newest run, its events since the last read, and the lease.
func (f *Follower) load(ctx context.Context, tx pg.Tx) (found Followed, entries []history.Entry, err error) {
	s, err := readableTables(ctx, tx, f.Trusts)
	if err != nil || s.found == nil {
		return found, nil, err
	}
	lease, err := LoadLease(ctx, tx, f.Schema)
	if err != nil {
		return found, nil, err
	}
	if lease != nil && lease.Live {
		found.Lease = lease
	}
	if found.Run, err = Last(ctx, tx, f.Schema); err != nil || found.Run == nil {
		return found, nil, err
	}
	after := int64(0)
	if found.Run.ID == f.run {
		after = f.state.Seq
	}
	if _, records := s.found["events"]; records {
		entries, err = loadEvents(ctx, tx, found.Run.ID, after)
	}
	return found, entries, err
}

// holds reports whether the process of the run is the one that holds the lease. A run begins after it has acquired the lease.
func (r *Run) holds(lease *HeldLease) bool {
	return r != nil && r.Host == lease.Host && r.PID == lease.PID && !r.Started.Before(lease.Since)
}
