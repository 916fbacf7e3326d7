package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type codeRow struct {
	Relation                  int64
	Place, Runs, Owner, Fault string
	Becomes                   bool
}

// Code reads the code that an UPDATE of tables would run, but for what of PostgreSQL's own is harmless. It reads the
// catalogue alone. Replica says that the UPDATE runs with session_replication_role = replica.
func Code(ctx context.Context, tx pg.Tx, tables []*catalog.Table, replica bool) ([]catalog.Code, error) {
	at := map[int64]*catalog.Table{}
	oids := make([]int64, 0, len(tables))
	for _, table := range tables {
		at[int64(table.OID)] = table
		oids = append(oids, int64(table.OID))
	}
	var code []catalog.Code
	err := each(ctx, tx, "code", func(r codeRow) {
		table := at[r.Relation]
		code = append(code, catalog.Code{
			Table: table.Schema + "." + table.Name, Holder: table.HeldBy(), Where: r.Place, Runs: r.Runs,
			Owner: catalog.Owner{Name: r.Owner, Becomes: r.Becomes}, Fault: r.Fault,
		})
	}, oids, replica)
	return code, err
}
