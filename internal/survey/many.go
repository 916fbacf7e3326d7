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

// ReadMany reads several schemas with a few queries for all of them, and returns them in their order. Counting rows
// and calling functions happens schema by schema afterwards.
func ReadMany(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, r Request, schemas []string) ([]plan.Input, error) {
	var err error
	if r.Policy.Values.Zone, err = resolveZone(ctx, pool, r.Policy.Values.Zone); err != nil {
		return nil, err
	}
	if server.Replicas, err = inspect.Replicas(ctx, pool, r.Standbys); err != nil {
		return nil, err
	}
	server.Role.Trusts = r.Policy.TrustOwners
	var inputs []plan.Input
	err = r.read(ctx, pool, func(tx pg.Tx) error {
		if err := r.checkTrustedOwners(ctx, tx); err != nil {
			return err
		}
		var err error
		if server.JournalSchema.Unexpected, err = journal.Objects(ctx, tx); err != nil {
			return err
		}
		found, err := readSchemas(ctx, tx, r, schemas)
		if err != nil {
			return err
		}
		inputs = nil // a retry discards the results of the lost connection
		for _, schema := range found {
			inputs = append(inputs, plan.Input{
				Server: server, Schema: schema, Profile: r.Profile, Selection: r.Ask, Policy: r.Policy, Direction: r.Direction,
				Data: map[string]catalog.Data{}, Parts: map[uint32]catalog.Data{},
			})
		}
		if err := readCode(ctx, tx, inputs); err != nil {
			return err
		}
		return readContext(ctx, tx, r, inputs)
	})
	for i := range inputs {
		if err == nil {
			err = proveFunction(ctx, pool, &inputs[i])
		}
		if err == nil {
			err = countRows(ctx, pool, &inputs[i])
		}
		if err == nil {
			err = readUnits(ctx, pool, &inputs[i])
		}
	}
	return inputs, err
}

func (r Request) read(ctx context.Context, pool *pgxpool.Pool, work func(pg.Tx) error) error {
	if r.Session == nil {
		return pg.Read(ctx, pool, work)
	}
	return r.Session.Read(ctx, work)
}

// checkTrustedOwners returns a problem for each trusted owner that is not a role.
func (r Request) checkTrustedOwners(ctx context.Context, tx pg.Tx) error {
	if len(r.Policy.TrustOwners) == 0 {
		return nil
	}
	unknown, err := inspect.MissingRoles(ctx, tx, r.Policy.TrustOwners)
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

// readSchemas reads what the request needs of each schema, and its function: in a schema run, which tables may get
// it as their default is known only after the tables were read.
func readSchemas(ctx context.Context, tx pg.Tx, r Request, names []string) ([]catalog.Schema, error) {
	q := r.inspectRequest()
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
	if r.Ask != nil {
		tables = r.Ask.Chosen
	}
	return schemas, inspect.Functions(ctx, tx, step.FunctionName, schemas, tables)
}

// readCode reads the code that statements on the tables would run with rights that the code's owner does not have.
func readCode(ctx context.Context, tx pg.Tx, inputs []plan.Input) error {
	tables, columns := make([][]*catalog.Table, len(inputs)), make([][]string, len(inputs))
	for i := range inputs {
		tables[i], columns[i] = targets(&inputs[i])
	}
	all := slices.Concat(tables...)
	if len(all) == 0 {
		return nil
	}
	hasLesser, err := inspect.HasLessPrivilegedOwners(ctx, tx, all)
	for i := range inputs {
		if err != nil || !hasLesser {
			break
		}
		in := &inputs[i]
		in.Schema.Code, err = inspect.Code(ctx, tx, tables[i], columns[i], in.Server.Role.ReplicaRole)
	}
	return err
}

// targets returns the tables that get the column, their descendants, and the names of the column.
func targets(in *plan.Input) (tables []*catalog.Table, columns []string) {
	names := chosenTables(in)
	for i := range in.Schema.Relations {
		table := &in.Schema.Relations[i]
		t, isTarget := targetOf(in, table, names)
		if !isTarget || table.Kind != catalog.Ordinary && table.Kind != catalog.Partitioned {
			continue
		}
		tables = append(tables, table.All()...)
		if !slices.Contains(columns, t.Column) {
			columns = append(columns, t.Column)
		}
	}
	return tables, columns
}

// readContext reads two things that few plans need: where the tables may be if they are not in this schema, which
// may be thousands of schemas, and, for down with a profile, what the journal records.
func readContext(ctx context.Context, tx pg.Tx, r Request, inputs []plan.Input) error {
	for i := range inputs {
		in := &inputs[i]
		var err error
		switch {
		case r.Ask != nil && !in.Schema.Exists:
			in.Elsewhere, err = inspect.OtherSchemas(ctx, tx, in.Schema.Name)
		case r.Ask == nil && in.Schema.Relation(r.Profile.VersionTable) == nil:
			in.Elsewhere, err = inspect.SchemasWithTable(ctx, tx, r.Profile.VersionTable)
		}
		if err != nil {
			return err
		}
	}
	if r.Ask != nil || r.Direction == plan.Up {
		return nil
	}
	return readAdopted(ctx, tx, r, inputs)
}

// inspectRequest returns what to inspect: the whole schema in a schema run, else what the profile names.
func (r Request) inspectRequest() inspect.Request {
	if r.Ask == nil {
		return ProfileRequest(r.Profile, r.Schema)
	}
	return inspect.Request{Schema: r.Schema, All: true, Column: r.Ask.NamingFor("").Column, Columns: r.Ask.Columns()}
}

// targetOf returns the target of a table, and whether the table gets the column.
func targetOf(in *plan.Input, table *catalog.Table, chosenNames map[string]bool) (step.Target, bool) {
	if in.Selection != nil {
		return in.Selection.Target(in.Schema.Name, table, in.Direction).WithValuesOf(table), chosenNames[table.Name]
	}
	return plan.TargetOf(in.Schema.Name, table.Name, in.Profile.Column).WithValuesOf(table), table.Name != in.Profile.VersionTable
}

// chosenTables returns the names of the tables that get a uuid in a schema run.
func chosenTables(in *plan.Input) map[string]bool {
	names := map[string]bool{}
	if in.Selection == nil {
		return names
	}
	for _, name := range in.Selection.Chosen(in.Schema) {
		names[name] = true
	}
	return names
}
