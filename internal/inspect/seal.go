package inspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Seals sets the seal of each table. While a table has the same seal, statements on it run the same code.
func Seals(ctx context.Context, tx pg.Tx, tables []*catalog.Table) error {
	type row struct {
		Relation int64
		Seal     string
	}
	seals := map[int64]string{}
	if err := readEach(ctx, tx, "seals", func(r row) { seals[r.Relation] = r.Seal }, oidsOf(tables)); err != nil {
		return err
	}
	for _, table := range tables {
		table.Seal = seals[int64(table.OID)]
	}
	return nil
}

// SealQuery returns a query without parameters that returns one text, computed from the present seals of the tables.
func SealQuery(tables []*catalog.Table) string {
	oids := make([]string, 0, len(tables))
	for _, table := range tables {
		oids = append(oids, fmt.Sprint(table.OID))
	}
	seals := strings.ReplaceAll(queryText("seals"), "ANY ($1)", "ANY ('{"+strings.Join(oids, ",")+"}'::pg_catalog.oid[])")
	return "SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.string_agg(pg_catalog.concat(s.relation, ' ', s.seal), ',' ORDER BY s.relation), ''), 'UTF8')), 'hex')" +
		" AS fingerprint FROM (\n" + seals + ") AS s"
}

// JoinedSeal returns what [SealQuery] returns while the tables have the seals that [Seals] has set; "" if one has none.
func JoinedSeal(tables []*catalog.Table) string {
	sorted := slices.SortedFunc(slices.Values(tables), func(a, b *catalog.Table) int { return int(int64(a.OID) - int64(b.OID)) })
	texts := make([]string, 0, len(sorted))
	for _, table := range sorted {
		if table.Seal == "" {
			return ""
		}
		texts = append(texts, fmt.Sprintf("%d %s", table.OID, table.Seal))
	}
	digest := sha256.Sum256([]byte(strings.Join(texts, ",")))
	return hex.EncodeToString(digest[:])
}

// Present is a table as the catalogue has it now.
type Present struct {
	Relation           int64
	Schema, Name, Kind string
}

// Tree returns the tables and all tables below them as they are now.
func Tree(ctx context.Context, tx pg.Tx, tables []*catalog.Table) ([]Present, error) {
	return rows[Present](ctx, tx, "tree", oidsOf(tables))
}

func oidsOf(tables []*catalog.Table) []int64 {
	oids := make([]int64, 0, len(tables))
	for _, table := range tables {
		oids = append(oids, int64(table.OID))
	}
	return oids
}
