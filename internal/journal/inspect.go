package journal

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/trust"
)

//go:embed queries/schema.sql
var schemaQuery string

//go:embed queries/tables.sql
var tablesQuery string

// schemaState describes the schema rekey and the role's rights in it.
type schemaState struct {
	role, database  string
	mayCreateSchema bool
	exists          bool
	owner           string
	usage, create   bool
	found           map[string]relation
}

// relation is a relation that has the name of one of the journal's tables.
type relation struct{ ordinary, readable, writable bool }

// Objects returns the objects in the schema rekey that belong to a role without the current role's rights, and
// those that rekey does not create. It reads the catalogue only: no code in the schema runs.
func Objects(ctx context.Context, tx pg.Tx) ([]catalog.Object, error) {
	found, err := tx.QueryPrepared(ctx, trust.JournalQuery)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (o catalog.Object, err error) {
		return o, row.Scan(&o.Name, &o.Owner.Name, &o.Owner.Becomes, &o.Fault)
	})
}

// inspect reads the state of the schema. It returns a problem if the role must not use an object in it; trusts
// names further owners to trust.
func inspect(ctx context.Context, tx pg.Tx, trusts []string) (schemaState, error) {
	s := schemaState{found: map[string]relation{}}
	err := tx.QueryRow(ctx, schemaQuery).Scan(
		&s.role, &s.database, &s.mayCreateSchema, &s.exists, &s.owner, &s.usage, &s.create)
	if err != nil {
		return s, err
	}
	objects, err := Objects(ctx, tx)
	if err != nil {
		return s, err
	}
	if refused := trust.Journal(catalog.Role{Name: s.role, Trusts: trusts}, objects); len(refused) > 0 {
		return s, message.JournalConflict(refused, s.role)
	}
	var names []string
	for _, t := range tables() {
		names = append(names, t.name)
	}
	rows, err := tx.Query(ctx, tablesQuery, names)
	if err != nil {
		return s, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var r relation
		if err := rows.Scan(&name, &r.ordinary, &r.readable, &r.writable); err != nil {
			return s, err
		}
		s.found[name] = r
	}
	return s, rows.Err()
}

// missing returns the tables that do not exist yet.
func (s schemaState) missing() []table {
	var missing []table
	for _, t := range tables() {
		if _, found := s.found[t.name]; !found {
			missing = append(missing, t)
		}
	}
	return missing
}

// checkTables returns a problem if a relation has the name of one of the journal's tables but is not that table.
// The journal's tables are created in one transaction with rekey.format, so tables without it are not the
// journal's.
func (s schemaState) checkTables() error {
	_, versioned := s.found["format"]
	for _, t := range tables() {
		r, found := s.found[t.name]
		switch {
		case !found:
		case !r.ordinary:
			return message.NotJournalTable(t.name, "It is not an ordinary table")
		case !versioned:
			return message.NotJournalTable(t.name, "The schema has no table rekey.format with the journal's version")
		}
	}
	return nil
}
