// Package survey reads everything that a plan depends on: the server, the schema, and the rows of existing columns.
// It changes nothing.
package survey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Request describes what to read.
type Request struct {
	plan.Scope
	Schema    string
	Policy    plan.Policy
	Direction plan.Direction
	Goal      plan.Phase     // the phase to reach; "" if none was named
	Standbys  []*pg.Standby  // standbys to read; may be nil
	Session   *pg.Session    // session for reading the catalogue; nil uses the pool
	Nodes     *cluster.Nodes // of a cluster; the caller closes them. Default: as pg_dist_node has them, with the settings of the pool.
}

// Read reads the request's schema. The server was read before, with [inspect.Server].
func Read(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, r Request) (plan.Input, error) {
	inputs, err := ReadMany(ctx, pool, server, r, []string{r.Schema})
	if err != nil {
		return plan.Input{}, err
	}
	return inputs[0], nil
}

// readAdopted reads from the journal, if it is readable, which columns existed before up, where no mark stays that
// says so.
func readAdopted(ctx context.Context, tx pg.Tx, r Request, inputs []plan.Input, goals []plan.Goals) error {
	var unmarked []uint32
	for i := range inputs {
		for _, goal := range goals[i].Tables {
			if !goal.Target.KeepsMark {
				unmarked = append(unmarked, goal.Table.OID)
			}
		}
	}
	if len(unmarked) == 0 || r.Direction == plan.Up {
		return nil
	}
	readable, err := journal.Readable(ctx, tx, r.Policy.TrustOwners...)
	if err != nil || !readable {
		return err
	}
	known, err := journal.LoadOriginals(ctx, tx, unmarked...)
	for i := range inputs {
		in := &inputs[i]
		in.Adopted = map[sqltext.Table]bool{}
		for _, goal := range goals[i].Tables {
			if c := goal.Table.Column(goal.Target.Column); c != nil && known[journal.Column{Relation: goal.Table.OID, Number: int16(c.Number)}].Adopted {
				in.Adopted[goal.Target.Name()] = true
			}
		}
	}
	return err
}

// proveFunction calls a function whose text is unknown, if the role trusts its owner, to find out whether it makes
// UUIDv7.
func proveFunction(ctx context.Context, pool *pgxpool.Pool, in *plan.Input) error {
	f := in.Schema.Function
	if f == nil || !in.Schema.Usage || !step.FunctionCallable(f, in.Server) {
		return nil
	}
	proof, err := inspect.Prove(ctx, pool, sqltext.Table{Schema: f.Schema, Name: f.Name}, in.Server.Role.Trusts)
	f.Proof = &proof
	return err
}

// countRows reads the rows of every existing column that is incomplete, in one transaction per table, so that no
// snapshot is held longer than one scan takes.
func countRows(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, goals plan.Goals) error {
	for _, goal := range goals.Tables {
		target, table := goal.Target.WithValuesOf(goal.Table), goal.Table
		c := table.Column(target.Column)
		if c == nil || target.Complete(table) || table.Kind != catalog.Ordinary && !table.IsTree() {
			continue
		}
		if in.RunsUntrustedCode(table) {
			continue // reading it would run untrusted code, so that it is refused
		}
		for _, part := range target.Parts(table) {
			if err := countPart(ctx, pool, in, table, part); err != nil {
				return fault.At(err, target.String(), "count")
			}
		}
		if err := findDuplicatesAcross(ctx, pool, in, table, target); err != nil {
			return fault.At(err, target.String(), "count")
		}
	}
	return nil
}

// countPart reads one table. The results of the tables of a tree are also added up.
func countPart(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, root *catalog.Table, part step.Part) error {
	c := part.Table.Column(part.Column)
	if c == nil {
		return nil // a foreign table, or a table that was just added
	}
	var data catalog.Data
	err := guard.Reading(in.Server, part.Table).Read(ctx, pool, func(tx pg.Tx) (err error) {
		data, err = countColumn(ctx, tx, in.Server.Role, part, c)
		return err
	})
	all := in.Data[root.Named()]
	all.Nulls, all.Other = all.Nulls || data.Nulls, all.Other+data.Other
	all.Duplicates, all.NotUUIDs = append(all.Duplicates, data.Duplicates...), append(all.NotUUIDs, data.NotUUIDs...)
	in.Data[root.Named()] = all
	if root.IsTree() {
		in.Parts[part.Table.OID] = data
	}
	return err
}

// findDuplicatesAcross finds values that occur in several tables of a tree, which no index would find.
func findDuplicatesAcross(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, root *catalog.Table, t step.Target) error {
	readable := func(one *catalog.Table) bool {
		return one.Owned && !one.Hides(in.Server.Role) && one.Kind != catalog.Foreign && one.Persistence != "t"
	}
	if origin, _ := t.Read(root); origin == step.Made {
		return nil
	}
	for _, one := range root.All() {
		if !root.IsTree() || !readable(one) || root.Column(t.Column).Type != "uuid" {
			return nil // already refused, and possibly not readable
		}
	}
	return guard.Reading(in.Server, root).Read(ctx, pool, func(tx pg.Tx) (err error) {
		data := in.Data[root.Named()]
		data.SharedAcross, err = inspect.SharedAcross(ctx, tx, t.Name(), t.Column)
		in.Data[root.Named()] = data
		return err
	})
}

func countColumn(ctx context.Context, tx pg.Tx, role catalog.Role, part step.Part, c *catalog.Column) (catalog.Data, error) {
	table, name := part.Table, part.Rows()
	if table.Kind != catalog.Ordinary || !table.Owned || table.Hides(role) {
		return catalog.Data{}, nil // already refused, and possibly not readable
	}
	if c.Type == "uuid" {
		return inspect.CountExisting(ctx, tx, name, table.PrimaryKey(), c.Name, table.UniqueOn(c.Name))
	}
	if plan.Textual(c.Type) {
		unparsed, err := inspect.NotUUIDs(ctx, tx, name, c.Name)
		return catalog.Data{NotUUIDs: unparsed}, err
	}
	return catalog.Data{}, nil
}
