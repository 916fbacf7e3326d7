package inspect

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type (
	statsRow struct {
		Relation                        int64
		Bytes                           int64
		Dead                            float64
		NeverCounted, Vacuuming         bool
		Cluster                         bool
		FrozenAge, MultiAge, Tablespace int64
	}
	sizeRow struct {
		Relation, OID, Bytes int64
		Tuples               float64
	}
	columnStatsRow struct {
		Relation                            int64
		Name                                string
		Width, Nulls, Distinct, Correlation float64
	}
)

// Stats reads the sizes and statistics of tables.
func Stats(ctx context.Context, tx pg.Tx, tables []uint32) (map[uint32]*catalog.Stats, error) {
	found, cluster := map[uint32]*catalog.Stats{}, false
	oids := make([]int64, len(tables))
	for i, oid := range tables {
		oids[i] = int64(oid)
		found[oid] = &catalog.Stats{Free: -1}
	}
	err := tx.QueryAll(
		ctx,
		query("table_stats", func(r statsRow) {
			s := found[uint32(r.Relation)]
			s.Table, s.DeadRows, s.NeverCounted, s.Vacuuming = r.Bytes, r.Dead, r.NeverCounted, r.Vacuuming
			s.FrozenAge, s.MultiAge, s.Tablespace = r.FrozenAge, r.MultiAge, uint32(r.Tablespace)
			cluster = r.Cluster
		}, oids),
		query("index_sizes", func(r sizeRow) {
			s := found[uint32(r.Relation)]
			s.Indexes = append(s.Indexes, catalog.Sized{Index: uint32(r.OID), Bytes: r.Bytes, Rows: r.Tuples})
		}, oids),
		query("column_stats", func(r columnStatsRow) {
			s := found[uint32(r.Relation)]
			s.Columns = append(s.Columns, catalog.ColumnStats{Name: r.Name, Width: r.Width, Nulls: r.Nulls, Distinct: r.Distinct, Correlation: r.Correlation})
		}, oids),
	)
	if err == nil && cluster {
		err = readShardStats(ctx, tx, oids, found)
	}
	return found, err
}

type loadRow struct {
	MaxWAL, MinWAL, Segment, MaintenanceMemory, SharedBuffers, MaxSlotWAL int64
	CheckpointSeconds, CompletionTarget                                   float64
	FullPages, Compressed, Local, Logical, ArchiveFails, ListsWAL         bool
	DataDirectory                                                         string
	FreezeAge, MultiFreezeAge, Free, RoleFree                             int64
}

type (
	followerRow struct {
		Name       string
		Hidden     bool
		LagSeconds float64
		Behind     int64
		Replayed   int64
	}
	transactionRow struct {
		PID                          int
		Application, State, Prepared string
		Seconds                      float64
	}
	tablespaceRow struct {
		OID        int64
		Name, Path string
	}
)

// oldTransaction is the age from which a transaction is reported. Reports and dumps that take less hardly matter.
const oldTransaction = time.Minute

// Load reads what else happens on the server, and the settings that a forecast needs. tablespaces are those of the tables.
func Load(ctx context.Context, tx pg.Tx, tablespaces []uint32) (catalog.Load, error) {
	return loadWith(ctx, tx, tablespaces, oldTransaction)
}

// loadWith is Load with the transactions that are at least so old.
func loadWith(ctx context.Context, tx pg.Tx, tablespaces []uint32, age time.Duration) (catalog.Load, error) {
	var (
		load  catalog.Load
		lists bool
	)
	spaces := make([]int64, len(tablespaces))
	for i, oid := range tablespaces {
		spaces[i] = int64(oid)
	}
	err := tx.QueryAll(
		ctx,
		query("load", func(r loadRow) {
			load, lists = r.load(), r.ListsWAL
		}),
		query("slots", func(s catalog.Slot) { load.Slots = append(load.Slots, s) }),
		query("followers", func(r followerRow) { load.Followers = append(load.Followers, r.follower()) }),
		query("transactions", func(r transactionRow) {
			load.Transactions = append(load.Transactions, catalog.Transaction{
				PID: r.PID, Application: r.Application, State: r.State, Prepared: r.Prepared, Age: seconds(r.Seconds),
			})
		}, age.Seconds()),
		query("tablespaces", func(r tablespaceRow) {
			load.Tablespaces = append(load.Tablespaces, catalog.Tablespace{OID: uint32(r.OID), Name: r.Name, Path: r.Path})
		}, spaces),
	)
	if err == nil && lists {
		err = tx.QueryRow(ctx, queryText("wal_directory")).Scan(&load.WALDirectory)
	}
	return load, err
}

// Followers reads the standbys and logical subscribers.
func Followers(ctx context.Context, tx pg.Tx) (found []catalog.Follower, err error) {
	err = tx.QueryAll(ctx, query("followers", func(r followerRow) { found = append(found, r.follower()) }))
	return found, err
}

func (r followerRow) follower() catalog.Follower {
	return catalog.Follower{Name: r.Name, Hidden: r.Hidden, Lag: seconds(r.LagSeconds), Behind: r.Behind, Replayed: r.Replayed}
}

func (r loadRow) load() catalog.Load {
	return catalog.Load{
		MaxWAL: r.MaxWAL, MinWAL: r.MinWAL, Segment: r.Segment, CheckpointTimeout: seconds(r.CheckpointSeconds), CompletionTarget: r.CompletionTarget,
		FullPages: r.FullPages, Compressed: r.Compressed, MaintenanceMemory: r.MaintenanceMemory, SharedBuffers: r.SharedBuffers,
		MaxSlotWAL: r.MaxSlotWAL, DataDirectory: r.DataDirectory, Local: r.Local, Logical: r.Logical, ArchiveFails: r.ArchiveFails, FreezeAge: r.FreezeAge, MultiFreezeAge: r.MultiFreezeAge,
		Free: int(r.Free), RoleFree: int(r.RoleFree),
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
