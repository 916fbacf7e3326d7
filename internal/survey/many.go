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
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// ReadMany reads several schemas with a few queries for all of them, and returns them in their order. Counting rows
// and calling functions happens schema by schema afterwards.
func ReadMany(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, r Request, schemas []string) ([]plan.Input, error) {
	if err := r.Nodes.CheckAddresses(server); err != nil {
		return nil, err
	}
	var err error
	if r.Policy.Values.Zone, err = resolveZone(ctx, pool, r.Policy.Values.Zone); err != nil {
		return nil, err
	}
	if server.Replicas, err = inspect.Replicas(ctx, pool, r.Standbys); err != nil {
		return nil, err
	}
	server.Role.Trusts = r.Policy.TrustOwners
	var inputs []plan.Input
	var goals []plan.Goals
	err = r.read(ctx, pool, func(tx pg.Tx) (err error) {
		inputs, goals, err = readCatalog(ctx, tx, server, r, schemas)
		return err
	})
	for i := range inputs {
		if err == nil {
			err = readRows(ctx, pool, &inputs[i], goals[i])
		}
	}
	return inputs, err
}

// readCatalog reads what the catalogue and the journal say of the schemas, in one transaction.
func readCatalog(ctx context.Context, tx pg.Tx, server catalog.Server, r Request, schemas []string) (inputs []plan.Input, goals []plan.Goals, err error) {
	if err := r.checkTrustedOwners(ctx, tx); err != nil {
		return nil, nil, err
	}
	if err := journal.Describe(ctx, tx, server.Role, &server.JournalSchema); err != nil {
		return nil, nil, err
	}
	found, err := readSchemas(ctx, tx, r, schemas)
	if err != nil {
		return nil, nil, err
	}
	for _, schema := range found {
		in := plan.Input{
			Server: server, Schema: schema, Scope: r.Scope, Policy: r.Policy, Direction: r.Direction, Goal: r.Goal,
			Data: map[sqltext.Table]catalog.Data{}, Parts: map[uint32]catalog.Data{},
		}
		inputs, goals = append(inputs, in), append(goals, in.Goals())
	}
	if err := readCode(ctx, tx, inputs, goals); err != nil {
		return nil, nil, err
	}
	if err := readElsewhere(ctx, tx, r, inputs); err != nil {
		return nil, nil, err
	}
	return inputs, goals, readAdopted(ctx, tx, r, inputs, goals)
}

// readRows reads what a plan needs of the rows, and calls a function whose source is unknown.
func readRows(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, goals plan.Goals) error {
	if err := proveFunction(ctx, pool, in); err != nil {
		return err
	}
	if err := countRows(ctx, pool, in, goals); err != nil {
		return err
	}
	if err := readUnits(ctx, pool, in, goals); err != nil {
		return err
	}
	if err := readEdges(ctx, pool, in); err != nil {
		return err
	}
	if err := readKeys(ctx, pool, in); err != nil {
		return err
	}
	return readEndings(ctx, pool, in)
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

// readSchemas reads what the request needs of each schema, and its function: which tables may get it as their default is
// known only after the tables were read.
func readSchemas(ctx context.Context, tx pg.Tx, r Request, names []string) ([]catalog.Schema, error) {
	what := r.Reading()
	q := schemaRequest{inspect.Request{
		Schema: r.Schema, All: what.All, Relations: what.Relations, Column: what.Column, Columns: what.Columns,
		Edges: r.Goal.AtLeast(plan.Linked), Parents: r.Selection.Parents, Sizes: true,
	}}
	if q.Edges {
		q.Relations = append(q.Relations, what.Referencing...)
	}
	schemas, err := inspect.Schemas(ctx, tx, q.Request, names)
	for err == nil && (q.withEdgesOf(schemas, what) || r.movesKeys() && q.withReferring(schemas)) {
		schemas, err = inspect.Schemas(ctx, tx, q.Request, names)
	}
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
	err = inspect.Functions(ctx, tx, step.FunctionName, schemas, r.Chosen)
	for i := range schemas {
		if f := schemas[i].Function; f != nil {
			r.Recognize(f)
		}
	}
	return schemas, err
}

// schemaRequest is what to read of the schemas.
type schemaRequest struct{ inspect.Request }

// withEdgesOf adds what the edges of the schemas need, and reports whether the schemas must be read again for it. Few schemas
// have edges, whose facts cost several queries.
func (q *schemaRequest) withEdgesOf(schemas []catalog.Schema, what plan.Reading) (again bool) {
	if !q.Edges && (slices.ContainsFunc(schemas, plan.HasEdges) || slices.ContainsFunc(schemas, plan.HasKeys)) {
		q.Edges, q.Relations, again = true, append(q.Relations, what.Referencing...), true
	}
	for _, schema := range schemas {
		for _, parent := range plan.ParentSchemas(schema) {
			if !slices.Contains(q.Parents, parent) {
				q.Parents, again = append(slices.Clone(q.Parents), parent), true
			}
		}
	}
	return again
}

// movesKeys reports whether the run moves foreign keys to another index of their parents.
func (r Request) movesKeys() bool {
	return r.Goal.AtLeast(plan.Switched) || r.Direction == plan.Down && r.Goal == plan.Linked
}

// withReferring adds the tables of other schemas that refer to the schemas, and reports whether the schemas must be read again.
func (q *schemaRequest) withReferring(schemas []catalog.Schema) (again bool) {
	for _, schema := range schemas {
		for _, name := range plan.Referring(schema) {
			if !slices.Contains(q.Also, name) {
				q.Also, again = append(q.Also, name), true
			}
		}
	}
	return again
}

// readCode reads the code that statements on the tables would run with rights that the code's owner does not have.
func readCode(ctx context.Context, tx pg.Tx, inputs []plan.Input, goals []plan.Goals) error {
	tables, columns := make([][]*catalog.Table, len(inputs)), make([][]string, len(inputs))
	for i := range inputs {
		tables[i], columns[i] = targets(goals[i])
		if inputs[i].Goal.AtLeast(plan.Linked) || plan.HasEdges(inputs[i].Schema) {
			tables[i] = append(tables[i], ends(&inputs[i].Schema)...)
		}
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
		if in.Schema.Code, err = inspect.Code(ctx, tx, tables[i], columns[i], in.Server.Role.ReplicaRole); err == nil {
			err = inspect.Seals(ctx, tx, tables[i])
		}
	}
	return err
}

// ends returns the tables that may be the child or the parent of an edge, and those below them.
func ends(schema *catalog.Schema) (tables []*catalog.Table) {
	for _, relations := range [][]catalog.Table{schema.Relations, schema.OtherSchemas} {
		for i := range relations {
			if t := &relations[i]; len(t.Columns) > 0 && (t.Kind == catalog.Ordinary || t.Kind == catalog.Partitioned) {
				tables = append(tables, t.All()...)
			}
		}
	}
	return tables
}

// targets returns the tables that get the column, their descendants, and the names of the column.
func targets(goals plan.Goals) (tables []*catalog.Table, columns []string) {
	for _, goal := range goals.Tables {
		if kind := goal.Table.Kind; kind != catalog.Ordinary && kind != catalog.Partitioned {
			continue
		}
		tables = append(tables, goal.Table.All()...)
		if !slices.Contains(columns, goal.Target.Column) {
			columns = append(columns, goal.Target.Column)
		}
	}
	return tables, columns
}

// readElsewhere reads where the tables may be if they are not in a schema. Few plans need it, and it may be thousands of
// schemas.
func readElsewhere(ctx context.Context, tx pg.Tx, r Request, inputs []plan.Input) error {
	evidence := r.Reading().Evidence
	for i := range inputs {
		in := &inputs[i]
		var err error
		switch {
		case evidence == "" && !in.Schema.Exists:
			in.Elsewhere, err = inspect.OtherSchemas(ctx, tx, in.Schema.Name)
		case evidence != "" && in.Schema.Relation(evidence) == nil:
			in.Elsewhere, err = inspect.SchemasWithTable(ctx, tx, evidence)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
