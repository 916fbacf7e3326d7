package inspect

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
)

// IndexReads returns the number of scans of each index of the tables since a time, by OID. Before version 16 it is the number since the
// server's statistics were reset. Source: PostgreSQL's manual, pg_stat_all_indexes.
func IndexReads(ctx context.Context, tx pg.Tx, tables []uint32, since time.Time) (map[uint32]int64, error) {
	type row struct{ Index, Scans int64 }
	reads := map[uint32]int64{}
	err := readEach(ctx, tx, "index_reads", func(r row) { reads[uint32(r.Index)] = r.Scans }, tables, since)
	return reads, err
}

// SequenceUsers returns, by the name of each sequence that a column of the tables owns, the other objects that use it.
func SequenceUsers(ctx context.Context, tx pg.Tx, tables []uint32) (map[string][]string, error) {
	type row struct{ Sequence, User string }
	users := map[string][]string{}
	err := readEach(ctx, tx, "sequence_users", func(r row) { users[r.Sequence] = append(users[r.Sequence], r.User) }, tables)
	return users, err
}

// RowUsers returns, by the OID of each table, the stored columns whose values hold rows of it.
func RowUsers(ctx context.Context, tx pg.Tx, tables []uint32) (map[uint32][]string, error) {
	type row struct {
		Relation int64
		User     string
	}
	users := map[uint32][]string{}
	err := readEach(ctx, tx, "row_users", func(r row) { users[uint32(r.Relation)] = append(users[uint32(r.Relation)], r.User) }, tables)
	return users, err
}
