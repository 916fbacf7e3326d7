package survey

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Many looks at several schemas with a few queries for all of them, in their order. What has to be counted or
// called is looked at schema by schema afterwards.
func ReadMany(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, o Request, schemas []string) ([]plan.Input, error) {
	var err error
	if o.Policy.Values.Zone, err = zone(ctx, pool, o.Policy.Values.Zone); err != nil {
		return nil, err
	}
	if server.Replicas, err = inspect.Replicas(ctx, pool, o.Standbys); err != nil {
		return nil, err
	}
	server.Role.Trusts = o.Policy.TrustOwners
	var situations []plan.Input
	err = o.reads(ctx, pool, func(tx pg.Tx) error {
		if err := o.knowsOwners(ctx, tx); err != nil {
			return err
		}
		var err error
		if server.JournalSchema.Unexpected, err = journal.Objects(ctx, tx); err != nil {
			return err
		}
		found, err := read(ctx, tx, o, schemas)
		if err != nil {
			return err
		}
		situations = nil // of a transaction whose connection was lost
		for _, schema := range found {
			situations = append(situations, plan.Input{
				Server: server, Schema: schema, Profile: o.Profile, Selection: o.Ask, Policy: o.Policy, Direction: o.Direction,
				Data: map[string]catalog.Data{}, Parts: map[uint32]catalog.Data{},
			})
		}
		if err := code(ctx, tx, situations); err != nil {
			return err
		}
		return around(ctx, tx, o, situations)
	})
	for i := range situations {
		if err == nil {
			err = prove(ctx, pool, &situations[i])
		}
		if err == nil {
			err = count(ctx, pool, &situations[i])
		}
		if err == nil {
			err = numbers(ctx, pool, &situations[i])
		}
	}
	return situations, err
}

func (o Request) reads(ctx context.Context, pool *pgxpool.Pool, work func(pg.Tx) error) error {
	if o.Session == nil {
		return pg.Read(ctx, pool, work)
	}
	return o.Session.Read(ctx, work)
}

// knowsOwners refuses the name of a trusted owner that no role has.
func (o Request) knowsOwners(ctx context.Context, tx pg.Tx) error {
	if len(o.Policy.TrustOwners) == 0 {
		return nil
	}
	unknown, err := inspect.MissingRoles(ctx, tx, o.Policy.TrustOwners)
	if err != nil {
		return err
	}
	var refusals problem.List
	for _, name := range unknown {
		refusals = append(refusals, message.UnknownOwner(name))
	}
	if len(refusals) > 0 {
		return refusals
	}
	return nil
}

// read asks for all that a profile has to do with, or for everything, and for the function: without a profile
// only the catalogue tells which tables it will be the default of.
func read(ctx context.Context, tx pg.Tx, o Request, names []string) ([]catalog.Schema, error) {
	q := o.all()
	schemas, err := inspect.Schemas(ctx, tx, q, names)
	if err != nil {
		return nil, err
	}
	overloads, err := inspect.Overloads(ctx, tx, step.FunctionName, names)
	if err != nil {
		return nil, err
	}
	for i := range schemas {
		schemas[i].Overloads = overloads[schemas[i].Name]
	}
	tables := func(catalog.Schema) []string { return q.Tables }
	if o.Ask != nil {
		tables = o.Ask.Chosen
	}
	return schemas, inspect.Functions(ctx, tx, step.FunctionName, schemas, tables)
}

// code reads the code that statements on the tables would run with rights that who can change it has not.
func code(ctx context.Context, tx pg.Tx, situations []plan.Input) error {
	tables, columns := make([][]*catalog.Table, len(situations)), make([][]string, len(situations))
	for i := range situations {
		tables[i], columns[i] = meant(&situations[i])
	}
	all := slices.Concat(tables...)
	if len(all) == 0 {
		return nil
	}
	lesser, err := inspect.HasLessPrivilegedOwners(ctx, tx, all)
	for i := range situations {
		if err != nil || !lesser {
			break
		}
		s := &situations[i]
		s.Schema.Code, err = inspect.Code(ctx, tx, tables[i], columns[i], s.Server.Role.ReplicaRole)
	}
	return err
}

// meant are the tables that get the column, those below them, and its names.
func meant(s *plan.Input) (tables []*catalog.Table, columns []string) {
	names := chosen(s)
	for i := range s.Schema.Relations {
		table := &s.Schema.Relations[i]
		t, meant := target(s, table, names)
		if !meant || table.Kind != catalog.Ordinary && table.Kind != catalog.Partitioned {
			continue
		}
		tables = append(tables, table.All()...)
		if !slices.Contains(columns, t.Column) {
			columns = append(columns, t.Column)
		}
	}
	return tables, columns
}

// around reads what else matters: where the tables may be instead, which may be thousands of schemas and is
// asked where they are not here alone; and what the journal knows, for the way down with a profile.
func around(ctx context.Context, tx pg.Tx, o Request, situations []plan.Input) error {
	for i := range situations {
		s := &situations[i]
		var err error
		switch {
		case o.Ask != nil && !s.Schema.Exists:
			s.Elsewhere, err = inspect.OtherSchemas(ctx, tx, s.Schema.Name)
		case o.Ask == nil && s.Schema.Relation(o.Profile.VersionTable) == nil:
			s.Elsewhere, err = inspect.SchemasWithTable(ctx, tx, o.Profile.VersionTable)
		}
		if err != nil {
			return err
		}
	}
	if o.Ask != nil || o.Direction == plan.Up {
		return nil
	}
	return adopted(ctx, tx, o, situations)
}

// all asks for everything in a schema, or for everything that a profile has to do with.
func (o Request) all() inspect.Request {
	if o.Ask == nil {
		return ProfileRequest(o.Profile, o.Schema)
	}
	return inspect.Request{Schema: o.Schema, All: true, Column: o.Ask.NamingFor("").Column, Columns: o.Ask.Columns()}
}

// target names what a table of the survey is to get; there is none for what is not to get anything.
func target(s *plan.Input, table *catalog.Table, chosen map[string]bool) (step.Target, bool) {
	if s.Selection != nil {
		return s.Selection.Target(s.Schema.Name, table, s.Direction).WithValuesOf(table), chosen[table.Name]
	}
	return plan.TargetOf(s.Schema.Name, table.Name, s.Profile.Column).WithValuesOf(table), table.Name != s.Profile.VersionTable
}

// chosen are the tables of a schema without a profile that get a uuid.
func chosen(s *plan.Input) map[string]bool {
	names := map[string]bool{}
	if s.Selection == nil {
		return names
	}
	for _, name := range s.Selection.Chosen(s.Schema) {
		names[name] = true
	}
	return names
}
