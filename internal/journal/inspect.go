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
	version         int // 0 if there is no journal, or the role may not read its version
	found           map[string]relation
}

// relation is a relation that has the name of one of the journal's tables.
type relation struct {
	ordinary, readable, writable bool
	owned                        bool // the role has the owner's rights
	owner                        string
}

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

// Describe sets what a plan needs to know about the schema: the objects that are not rekey's, and the journal's version. It
// reads no table if the role must not use an object in the schema.
func Describe(ctx context.Context, tx pg.Tx, role catalog.Role, schema *catalog.JournalSchema) (err error) {
	schema.Known = Version
	if schema.Unexpected, err = Objects(ctx, tx); err != nil {
		return err
	}
	if !schema.Exists || len(trust.Journal(role, schema.Unexpected)) > 0 {
		return nil
	}
	s := schemaState{usage: schema.Usage}
	if err := s.loadTables(ctx, tx); err != nil {
		return err
	}
	schema.Version, schema.OtherOwner = s.version, s.otherOwner()
	return nil
}

// inspect reads the state of the schema. It returns a problem if the role must not use an object in it, or if the
// journal's version is newer than [Version]; trusts names further owners to trust.
func inspect(ctx context.Context, tx pg.Tx, trusts []string) (schemaState, error) {
	var s schemaState
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
	if err := s.loadTables(ctx, tx); err != nil {
		return s, err
	}
	if s.version > Version {
		return s, message.JournalTooNew(s.version, Version)
	}
	return s, nil
}

// loadTables reads which of the journal's tables exist, and the version.
func (s *schemaState) loadTables(ctx context.Context, tx pg.Tx) error {
	s.found = map[string]relation{}
	var names []string
	for _, t := range tables() {
		names = append(names, t.name)
	}
	rows, err := tx.Query(ctx, tablesQuery, names)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var r relation
		if err := rows.Scan(&name, &r.ordinary, &r.readable, &r.writable, &r.owned, &r.owner); err != nil {
			return err
		}
		s.found[name] = r
	}
	if err := rows.Err(); err != nil || !s.versionReadable() {
		return err
	}
	s.version, err = loadVersion(ctx, tx)
	return err
}

// versionReadable reports whether the role may read the recorded version.
func (s schemaState) versionReadable() bool {
	format := s.found["format"]
	return s.usage && format.ordinary && format.readable
}

// complete reports whether the journal has all tables of its version, which may be older than this one.
func (s schemaState) complete() bool {
	for _, t := range tables() {
		if _, found := s.found[t.name]; !found && t.since <= max(1, s.version) {
			return false
		}
	}
	return true
}

// current reports whether the journal needs no migration.
func (s schemaState) current() bool { return s.version == Version && s.complete() }

// checkTables returns a problem if a relation has the name of one of the journal's tables but is not that table.
// The first migration creates the tables in one transaction with rekey.format, so tables without it are not the
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
