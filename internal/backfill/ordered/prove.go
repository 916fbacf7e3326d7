package ordered

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/step"
)

// Claim is what Prove looks at.
type Expectation struct {
	Target step.Target
	Key    []string // by which rows of one instant stand; none where they are in no order
	Column order.Column
	// Moment is that of the filling: rows whose uuid tells a later time are the application's. Zero is the
	// server's time now; then they are judged as well.
	Cutoff time.Time
	// Found says that the column had UUIDv7 before. They cannot be told from rekey's, so that those which
	// tell another time than their row, or stand in another order inside one instant, are not judged.
	Found bool
}

// Proof is what one scan of a table in the order of its uuids found. Rows that are not judged are New,
// Other, Found or Timeless; every judged row either Differs or is compared with the one before it.
type Proof struct {
	Rows     int64 `json:"rows"` // with a uuid
	Judged   int64 `json:"judged"`
	Pairs    int64 `json:"pairs_out_of_order"` // of neighbours
	Differs  int64 `json:"times_differ"`       // the uuid tells another time than the column, by more than its resolution
	Early    int64 `json:"clamped_early"`      // judged, and before 1970
	Late     int64 `json:"clamped_late"`       // judged, and not before the moment
	Timeless int64 `json:"without_time"`       // not judged: they stand with a neighbour
	New      int64 `json:"new"`                // not judged: the uuid is younger than the moment
	Other    int64 `json:"not_v7"`             // not judged: no UUIDv7
	Found    int64 `json:"found"`              // not judged: they may have been there before
}

// Holds reports whether every judged row stands where its time and its key say.
func (p Proof) Holds() bool { return p.Pairs == 0 && p.Differs == 0 }

// Prove scans a table once, in the order of its uuids, with constant memory on this side. Whoever calls
// it chooses the transaction, which must see one snapshot throughout.
func Prove(ctx context.Context, tx pg.Tx, table catalog.Table, c Expectation) (Proof, error) {
	k := keyOf(table, c.Key)
	j := prover{keyOnly: c.Column.Name == "", found: c.Found, key: k}
	j.scale = order.Scale{Unit: max(c.Column.Unit, 1), Cutoff: order.Instant(c.Cutoff.UnixMicro())}
	if c.Cutoff.IsZero() {
		cutoff, err := now(ctx, tx)
		if err != nil {
			return Proof{}, err
		}
		j.scale.Cutoff = cutoff
	}
	t := newStatements(c.Target, k, c.Column)
	err := scan(ctx, tx, t.byValue(), func(fields [][]byte) error {
		var r row
		err := r.parse(fields, 0)
		if k.integer {
			r.key = k.parse(fields[rowFields:], nil)
		}
		j.add(r)
		return err
	}, func() error { return j.compareTies(ctx, tx, t) })
	return j.proof, err
}

// judge takes rows in the order of their uuids.
type prover struct {
	proof   Proof
	scale   order.Scale
	key     key
	found   bool
	keyOnly bool // there is no time
	judged  bool
	instant order.Instant // of the last row that was judged
	last    row
	ties    []tie // that the server has to compare
}

// tie is two neighbouring rows of one instant, by their addresses.
type tie struct{ before, after uint64 }

func (j *prover) add(r row) {
	j.proof.Rows++
	switch {
	case !r.v7:
		j.proof.Other++
		return
	case !(j.scale.Cutoff + 1).After(r.value):
		j.proof.New++
		return
	case j.keyOnly:
		r.instant = order.Infinity
	case r.null:
		j.proof.Timeless++
		return
	}
	instant, adjustment := j.scale.Clamp(r.instant)
	_, matches := j.scale.Range(instant).Position(r.value)
	ascends := !j.judged || instant > j.instant || instant == j.instant && (!j.key.integer || r.key > j.last.key)
	if j.found && !(matches && ascends) {
		j.proof.Found++
		return
	}
	j.proof.Judged++
	if !matches {
		j.proof.Differs++
		return
	}
	switch adjustment {
	case order.Early:
		j.proof.Early++
	case order.Late:
		j.proof.Late++
	case order.Unchanged, order.Carried, order.Missing:
	}
	if !ascends {
		j.proof.Pairs++
	}
	if j.judged && instant == j.instant && !j.key.integer && !j.key.empty() {
		j.ties = append(j.ties, tie{j.last.address, r.address})
	}
	j.judged, j.instant, j.last = true, instant, r
}

// compare has the server look at the ties: what it knows is the order of the key.
func (j *prover) compareTies(ctx context.Context, tx pg.Tx, t statements) error {
	if len(j.ties) == 0 {
		return nil
	}
	before, after := make([]pgtype.TID, len(j.ties)), make([]pgtype.TID, len(j.ties))
	for i, t := range j.ties {
		before[i], after[i] = tidOf(t.before), tidOf(t.after)
	}
	j.ties = j.ties[:0]
	var wrong int64
	err := tx.QueryRow(ctx, t.misplaced(), before, after).Scan(&wrong)
	if j.found { // one of the two may have been there before
		j.proof.Judged, j.proof.Found = j.proof.Judged-wrong, j.proof.Found+wrong
		return err
	}
	j.proof.Pairs += wrong
	return err
}

func tidOf(address uint64) pgtype.TID {
	return pgtype.TID{BlockNumber: uint32(address >> 16), OffsetNumber: uint16(address), Valid: true}
}

// now reads the server's clock.
func now(ctx context.Context, tx pg.Tx) (order.Instant, error) {
	var micros int64
	err := tx.QueryRow(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8").Scan(&micros)
	return order.Instant(micros), err
}
