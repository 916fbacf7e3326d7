package run

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// assumption returns a query that returns a row if the action's table, column and index are those that were
// inspected, identified by oid and column number. Between an inspection and the action, the application may have
// given their names to other objects. It returns "" if the action is on no inspected table.
func (st *groupState) assumption(a step.Action) string {
	if st.inspected == nil || st.inspected.Table == nil {
		return ""
	}
	for _, table := range st.inspected.Table.All() {
		if !slices.Contains(a.Tables(), table.Named()) {
			continue
		}
		query := sqltext.Format("SELECT FROM pg_catalog.pg_class t WHERE t.oid = {} AND t.oid = pg_catalog.to_regclass({})",
			table.OID, sqltext.Value(sqltext.Format("{}", table.Named())))
		return query + columnCondition(table, st.group.Target.Column) + indexCondition(a, table) + st.newIndexCondition(table)
	}
	return ""
}

func columnCondition(table *catalog.Table, name string) string {
	c := table.Column(name)
	if c == nil {
		return ""
	}
	return sqltext.Format(" AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = {} AND a.attname = {} AND NOT a.attisdropped)",
		c.Number, sqltext.Value(c.Name))
}

// newIndexCondition returns the condition for the index that was built since the inspection.
func (st *groupState) newIndexCondition(table *catalog.Table) string {
	c := table.Column(st.group.Target.Column)
	if st.newIndex == "" || c == nil {
		return ""
	}
	return sqltext.Format(" AND EXISTS (SELECT FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = t.oid"+
		" AND i.relname = {} AND x.indisvalid AND x.indisunique AND x.indimmediate AND x.indnatts = 1 AND x.indkey[0] = {} AND x.indpred IS NULL)",
		sqltext.Value(st.newIndex), c.Number)
}

// indexCondition returns the condition for the indexes that the action drops.
func indexCondition(a step.Action, table *catalog.Table) (conditions string) {
	for _, name := range a.DroppedIndexes() {
		if i := table.Index(name); i != nil {
			conditions += sqltext.Format(" AND EXISTS (SELECT FROM pg_catalog.pg_class i WHERE i.oid = {} AND i.relname = {} AND i.relnamespace = t.relnamespace)",
				i.OID, sqltext.Value(i.Name))
		}
	}
	return conditions
}

// bothReturnRow returns a query that returns a row if both queries do. It ignores a query that is "".
func bothReturnRow(one, other string) string {
	switch {
	case one == "":
		return other
	case other == "":
		return one
	}
	return "SELECT WHERE EXISTS (" + one + ") AND EXISTS (" + other + ")"
}

// fenced returns the lease's query, restricted to return a row only if the other query does. It ignores a query
// that is "".
func fenced(fence, query string) string {
	switch {
	case fence == "" && query == "":
		return "SELECT"
	case fence == "" || query == "":
		return fence + query
	}
	return "SELECT FROM (" + fence + ") AS lease WHERE EXISTS (" + query + ")"
}
