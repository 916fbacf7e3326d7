package ordered

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Work is one table to be filled in the order of creation. Of the embedded work Value is not used, and a
// place in the Diary tells of a whole region.
type Work struct {
	backfill.Work
	Column order.Column // the creation-time column; one without a name leaves the order to the key alone
	// Moment is when the column got its default. No value that is filled stands behind it, and times at or
	// after it count as it. It has to be the same in every run over a table. If it is zero, and no run
	// that was cut has left one, it is the server's time when the filling begins.
	Cutoff time.Time
	// Begin is called in the transaction that begins the filling, once or more: what it returns takes the place of Moment.
	// nil: Moment holds.
	OnStart    func(context.Context, pg.Tx) (Start, error)
	regionRows int64 // rows of a region; 0 is the choice's
}

// Beginning is what is known of a filling when it begins.
type Start struct {
	Cutoff  time.Time
	Resumed bool // an earlier run, which was cut, has left places in the diary
}

// Result is what a filling did, with the rows whose times were not taken as they are.
type Result struct {
	backfill.Result
	Cutoff  time.Time
	Regions int   // into which the table was cut
	Rounds  int   // over the regions
	Early   int64 // rows whose time is before 1970
	Late    int64 // whose time is not before the moment, or infinite
	Carried int64 // that have no time and stand where the row before them by key does
	Missing int64 // in a table without any time
	// Regions, Rounds and what follows are of tables with a key: of one without nothing is read before it is filled.
}
