package inspect

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type shardedRow struct {
	Relation   int64
	Name       string
	Reference  bool
	IndexNames []string
	IndexOIDs  []int64 `db:"index_oids"`
}

// statsOfShards has the statistics of a table's shards on one node.
type statsOfShards struct {
	Table        string              `json:"table"`
	Bytes        int64               `json:"bytes"`
	Dead         float64             `json:"dead"`
	NeverCounted bool                `json:"never_counted"`
	FrozenAge    int64               `json:"frozen_age"`
	MultiAge     int64               `json:"multi_age"`
	Vacuuming    bool                `json:"vacuuming"`
	Indexes      []indexOfShards     `json:"indexes"`
	Columns      []statsOfShardValue `json:"columns"`
}

type indexOfShards struct {
	Name  string  `json:"name"`
	Bytes int64   `json:"bytes"`
	Rows  float64 `json:"rows"`
}

type statsOfShardValue struct {
	Name        string  `json:"name"`
	Width       float64 `json:"width"`
	Nulls       float64 `json:"nulls"`
	Distinct    float64 `json:"distinct"`
	Correlation float64 `json:"correlation"`
}

// readShardStats replaces the statistics of the sharded tables, whose own relations on the coordinator are empty, by the
// statistics of their shards. The columns have the statistics of the largest shard of one node.
func readShardStats(ctx context.Context, tx pg.Tx, oids []int64, stats map[uint32]*catalog.Stats) error {
	found, err := rows[shardedRow](ctx, tx, "sharded_tables", oids)
	if err != nil || len(found) == 0 {
		return err
	}
	names, sharded := make([]string, len(found)), map[string]shardedRow{}
	for i, r := range found {
		names[i], sharded[r.Name] = r.Name, r
		s := stats[uint32(r.Relation)]
		*s = catalog.Stats{Free: s.Free, Tablespace: s.Tablespace}
	}
	all, err := askShards[statsOfShards](ctx, tx, "shard_stats", names)
	placed := map[string]bool{}
	for _, one := range all {
		r, ok := sharded[one.Table]
		if !ok || r.Reference && placed[one.Table] {
			continue // all placements of a reference table have the same rows
		}
		placed[one.Table] = true
		one.addTo(stats[uint32(r.Relation)], r)
	}
	return err
}

// addTo adds the statistics of one node to the statistics of the table.
func (one statsOfShards) addTo(s *catalog.Stats, r shardedRow) {
	s.Table, s.DeadRows = s.Table+one.Bytes, s.DeadRows+one.Dead
	s.NeverCounted, s.Vacuuming = s.NeverCounted || one.NeverCounted, s.Vacuuming || one.Vacuuming
	s.FrozenAge, s.MultiAge = max(s.FrozenAge, one.FrozenAge), max(s.MultiAge, one.MultiAge)
	for _, i := range one.Indexes {
		at := slices.Index(r.IndexNames, i.Name)
		if at < 0 {
			continue // it was just created or dropped
		}
		oid := uint32(r.IndexOIDs[at])
		known := slices.IndexFunc(s.Indexes, func(x catalog.Sized) bool { return x.Index == oid })
		if known < 0 {
			s.Indexes, known = append(s.Indexes, catalog.Sized{Index: oid}), len(s.Indexes)
		}
		s.Indexes[known].Bytes, s.Indexes[known].Rows = s.Indexes[known].Bytes+i.Bytes, s.Indexes[known].Rows+i.Rows
	}
	if s.Columns == nil {
		for _, c := range one.Columns {
			s.Columns = append(s.Columns, catalog.ColumnStats(c))
		}
	}
}
