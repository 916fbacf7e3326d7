package inspect

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type replicaRow struct {
	Recovering   bool
	Database     string
	DatabaseOID  int64
	Identifiable bool
	identifier   string // "" if the role may not read it

	StreamingDelay, ArchiveDelay, ApplyDelay int
	Feedback                                 bool
}

// Replicas reads the standbys, and the primary to check that they follow it. A standby that cannot be read is no error; its
// Fault is set.
func Replicas(ctx context.Context, primary *pgxpool.Pool, standbys []*pg.Standby) ([]catalog.Replica, error) {
	if len(standbys) == 0 {
		return nil, nil
	}
	var own replicaRow
	err := pg.Read(ctx, primary, func(tx pg.Tx) (err error) {
		own, err = readReplica(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []catalog.Replica
	for _, s := range standbys {
		r := catalog.Replica{Name: s.Name}
		var row replicaRow
		err := s.Read(ctx, func(tx pg.Tx) (err error) {
			row, err = readReplica(ctx, tx)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			r.Fault = pg.Reason(err)
		default:
			r.Recovering, r.Mismatch = row.Recovering, mismatch(own, row)
			r.StreamingDelay, r.ArchiveDelay, r.ApplyDelay, r.Feedback = row.StreamingDelay, row.ArchiveDelay, row.ApplyDelay, row.Feedback
		}
		all = append(all, r)
	}
	return all, nil
}

func mismatch(own, other replicaRow) string {
	switch {
	case own.identifier != "" && other.identifier != "" && own.identifier != other.identifier:
		return "the system identifiers differ"
	case own.Database != other.Database:
		return "its database is " + other.Database
	case own.DatabaseOID != other.DatabaseOID:
		return "the databases' oids differ"
	default:
		return ""
	}
}

func readReplica(ctx context.Context, tx pg.Tx) (replicaRow, error) {
	found, err := rows[replicaRow](ctx, tx, "replica")
	if err != nil {
		return replicaRow{}, err
	}
	if len(found) != 1 {
		return replicaRow{}, errors.New("the server returned no current database")
	}
	row := found[0]
	if row.Identifiable {
		err = tx.QueryRow(ctx, queryText("identifier")).Scan(&row.identifier)
	}
	return row, err
}
