package survey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// readEdges reads the rows of every edge: whether rows lack the uuid of their parent, and those that refer to no row of it.
// It reads a sample of every column that may be a reference without a foreign key. One transaction reads one table.
func readEdges(ctx context.Context, pool *pgxpool.Pool, in *plan.Input) error {
	if in.Direction == plan.Down || in.Goal == plan.Expanded {
		return nil
	}
	if err := readDefaults(ctx, pool, in); err != nil || !in.Goal.AtLeast(plan.Linked) {
		return err
	}
	if err := readFunctions(ctx, pool, in); err != nil {
		return err
	}
	in.EdgeRows, in.Overlaps = map[plan.EdgeKey]plan.EdgeRows{}, map[plan.Reference]plan.Overlap{}
	for _, g := range plan.Build(*in).Edges() {
		if err := readEdge(ctx, pool, in, *g.Edge); err != nil {
			return fault.At(err, g.String(), "count")
		}
	}
	in.IDSamples = map[plan.Reference]plan.IDSample{}
	for _, u := range in.UnsupportedCandidates() {
		if err := sampleIDs(ctx, pool, in, u); err != nil {
			return fault.At(err, u.Child+"."+u.Column, "count")
		}
	}
	for _, c := range in.CandidateReferences() {
		if err := readOverlap(ctx, pool, in, c.Reference); err != nil {
			return fault.At(err, c.Child+"."+c.Column, "count")
		}
	}
	return nil
}

// readDefaults reads the rows to which the defaults of the integer columns refer. The trigger functions have their uuids.
func readDefaults(ctx context.Context, pool *pgxpool.Pool, in *plan.Input) error {
	in.EdgeDefaults = map[plan.EdgeKey]string{}
	for _, l := range plan.Build(*in).Links {
		e := l.Edge
		if e.UUID == "" || e.Default == nil || e.Default.Key == "" { // a default that is a call has no key
			continue
		}
		parent := in.Schema.Find(e.Parent.Schema, e.Parent.Name)
		if !readable(in, parent) || parent.Column(e.ParentUUID) == nil {
			continue
		}
		err := guard.Reading(in.Server, parent).Read(ctx, pool, func(tx pg.Tx) error {
			uuid, err := inspect.UUIDOfKey(ctx, tx, e.Parent, e.Key, e.ParentUUID, e.Default.Key)
			in.EdgeDefaults[plan.KeyOf(e)] = uuid
			return err
		})
		if err != nil {
			return fault.At(err, l.String(), "count")
		}
	}
	return nil
}

// readFunctions reads the functions that have the names of the edges' trigger functions.
func readFunctions(ctx context.Context, pool *pgxpool.Pool, in *plan.Input) error {
	var names []sqltext.Table
	for _, g := range plan.Build(*in).Edges() {
		names = append(names, g.Edge.Function)
	}
	if names == nil {
		return nil
	}
	return pg.Read(ctx, pool, func(tx pg.Tx) error {
		found, create, err := inspect.TriggerFunctions(ctx, tx, names)
		in.EdgeFunctions, in.NoTriggers = found, !create
		return err
	})
}

// readable reports whether the rows of a table may be read: reading them runs no untrusted code, and no policy hides any.
func readable(in *plan.Input, table *catalog.Table) bool {
	return table != nil && table.Owned && !table.Hides(in.Server.Role) && !in.RunsUntrustedCode(table)
}

func readEdge(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, e step.Edge) error {
	child, parent := in.Schema.Find(e.Child.Schema, e.Child.Name), in.Schema.Find(e.Parent.Schema, e.Parent.Name)
	if !readable(in, child) || !readable(in, parent) {
		return nil
	}
	rows := plan.EdgeRows{}
	hasUUIDs := parent.Column(e.ParentUUID) != nil
	for _, part := range e.Target().Parts(child) {
		if err := readEdgePart(ctx, pool, guard.Reading(in.Server, part.Table, parent), e, part, hasUUIDs, &rows); err != nil {
			return err
		}
	}
	in.EdgeRows[plan.KeyOf(e)] = rows
	return nil
}

// readEdgePart adds what one table of the child has to the rows of an edge. Each query has a transaction of its own.
func readEdgePart(ctx context.Context, pool *pgxpool.Pool, code *guard.Watch, e step.Edge, part step.Part, hasUUIDs bool, rows *plan.EdgeRows) error {
	if hasUUIDs && part.Table.Column(e.UUID) != nil {
		err := code.Read(ctx, pool, func(tx pg.Tx) error {
			unfilled, err := inspect.HasRow(ctx, tx, step.FillEdge{Edge: e}.Unfilled(part.Rows()))
			rows.Unfilled = rows.Unfilled || unfilled
			return err
		})
		if err != nil {
			return err
		}
	}
	if e.Constrained() && e.Reference.Validated {
		return nil // it has no orphans
	}
	return code.Read(ctx, pool, func(tx pg.Tx) error {
		orphans, _, err := inspect.CountWithExamples(ctx, tx, e.Orphans(part.Rows()))
		rows.Orphans += orphans
		return err
	})
}

func readOverlap(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, r plan.Reference) error {
	child, parent := in.Schema.Relation(r.Child), in.Schema.Relation(r.Parent)
	if !readable(in, child) || !readable(in, parent) {
		return nil
	}
	var found plan.Overlap
	err := guard.Reading(in.Server, child, parent).Read(ctx, pool, func(tx pg.Tx) (err error) {
		found.Distinct, found.Found, err = inspect.Overlap(ctx, tx, child.Named(), r.Column, parent.Named(), plan.IntegerKey(parent))
		return err
	})
	in.Overlaps[r] = found
	return err
}

// sampleIDs reads what a sample shows about an unsupported reference, if the rows may be read.
func sampleIDs(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, u plan.Unsupported) error {
	child := in.Schema.Relation(u.Child)
	parent, key := u.ParentKey()
	if !readable(in, child) || u.Kind == plan.IDArray && !readable(in, parent) || u.Kind == plan.IDDocument && child.Column(u.Column).Plain() != "jsonb" {
		return nil
	}
	var sample plan.IDSample
	err := guard.Reading(in.Server, child, parent).Read(ctx, pool, func(tx pg.Tx) (err error) {
		switch u.Kind {
		case plan.Polymorphic:
			sample.Types, err = inspect.DistinctTexts(ctx, tx, child.Named(), u.Partner)
		case plan.IDArray:
			sample.Overlap.Distinct, sample.Overlap.Found, err = inspect.ArrayOverlap(ctx, tx, child.Named(), u.Column, parent.Named(), key)
		default:
			sample.Keys, err = inspect.NumberKeys(ctx, tx, child.Named(), u.Column)
		}
		return err
	})
	in.IDSamples[plan.Reference{Child: u.Child, Column: u.Column}] = sample
	return err
}
