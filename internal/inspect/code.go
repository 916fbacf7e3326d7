package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type codeRow struct {
	Relation                          int64
	Place, Runs, Owner, Holder, Fault string
	Becomes, Fires                    bool
}

// Code returns the code that statements on the tables run and that a role with fewer rights than the session's role can
// change. It reads the catalogue only. An UPDATE sets the columns; replica says that the session has
// session_replication_role = replica.
func Code(ctx context.Context, tx pg.Tx, tables []*catalog.Table, columns []string, replica bool) ([]catalog.Code, error) {
	at := map[int64]*catalog.Table{}
	for _, table := range tables {
		at[int64(table.OID)] = table
	}
	var code []catalog.Code
	err := readEach(ctx, tx, "code", func(r codeRow) {
		table := at[r.Relation]
		code = append(code, catalog.Code{
			Table: table.Named(), Holder: catalog.Owner{Name: r.Holder}, Where: r.Place, Runs: r.Runs,
			Owner: catalog.Owner{Name: r.Owner, Becomes: r.Becomes}, Fault: r.Fault, Fires: r.Fires,
		})
	}, oidsOf(tables), replica, columns)
	return code, err
}

// HasLessPrivilegedOwners reports whether a role with fewer rights than the session's role owns one of the tables, a function
// or a domain. If not, Code returns nothing.
func HasLessPrivilegedOwners(ctx context.Context, tx pg.Tx, tables []*catalog.Table) (found bool, err error) {
	err = readEach(ctx, tx, "less_privileged", func(r struct{ Found bool }) { found = r.Found }, oidsOf(tables))
	return found, err
}
