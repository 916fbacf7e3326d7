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

// state is the schema rekey as a role finds it.
type state struct {
	role, database  string
	mayCreateSchema bool
	exists          bool
	owner           string
	usage, create   bool
	found           map[string]relation
}

// relation is what bears the name of one of the journal's tables.
type relation struct{ ordinary, readable, writable bool }

// Strange returns what in the schema rekey belongs to a role that has not the current one's rights, and what
// is not rekey's own. It reads the catalogue alone: nothing in the schema runs.
func Objects(ctx context.Context, tx pg.Tx) ([]catalog.Object, error) {
	found, err := tx.QueryPrepared(ctx, trust.JournalQuery)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (o catalog.Object, err error) {
		return o, row.Scan(&o.Name, &o.Owner.Name, &o.Owner.Becomes, &o.Fault)
	})
}

// look reads the schema, and fails where the role must not use what is in it; trusts are the owners that
// the role trusts with its rights.
func look(ctx context.Context, tx pg.Tx, trusts []string) (state, error) {
	s := state{found: map[string]relation{}}
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
		return s, message.JournalOf(refused, s.role)
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

// missing are the tables that are still to be made.
func (s state) missing() []table {
	var missing []table
	for _, t := range tables() {
		if _, found := s.found[t.name]; !found {
			missing = append(missing, t)
		}
	}
	return missing
}

// strange refuses what bears a name of ours and is not ours. Our tables come in one transaction with
// the format, so that some without it are somebody else's.
func (s state) strange() error {
	_, versioned := s.found["format"]
	for _, t := range tables() {
		r, found := s.found[t.name]
		switch {
		case !found:
		case !r.ordinary:
			return foreign(t.name, "It is not an ordinary table")
		case !versioned:
			return foreign(t.name, "There is no table rekey.format beside it that says which version it has")
		}
	}
	return nil
}
