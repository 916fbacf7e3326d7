// Package survey looks at everything that a plan is made of: the server, the schema, the rows of
// columns that are there already. It changes nothing.
package survey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Order says what is to be looked at.
type Request struct {
	Profile   profile.Profile
	Ask       *plan.Selection // of a schema without a profile; nil with one
	Schema    string
	Policy    plan.Policy
	Direction plan.Direction
	Standbys  []*pg.Standby // that are looked at, too; may be nil
	Session   *pg.Session   // on which the catalogue is read; nil: on the pool
}

// Take looks at the order's schema; the server was looked at before.
func Read(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, o Request) (plan.Input, error) {
	situations, err := ReadMany(ctx, pool, server, o, []string{o.Schema})
	if err != nil {
		return plan.Input{}, err
	}
	return situations[0], nil
}

// Whole is the question for everything that a profile has to do with in a schema.
func ProfileRequest(p profile.Profile, schema string) inspect.Request {
	q := inspect.Request{Schema: schema, Column: p.Column, Function: step.FunctionName}
	q.Relations = append(q.Relations, p.VersionTable)
	for _, name := range p.Names() {
		if name == p.VersionTable {
			continue
		}
		q.Tables = append(q.Tables, name)
		q.Relations = append(q.Relations, name, plan.TargetOf(schema, name, p.Column).Index)
	}
	return q
}

// adopted reads from the journal, where there is one, which columns were there before up.
func adopted(ctx context.Context, tx pg.Tx, o Request, situations []plan.Input) error {
	present, err := journal.Readable(ctx, tx, o.Policy.TrustOwners...)
	if err != nil || !present {
		return err
	}
	var oids []uint32
	for _, s := range situations {
		oids = append(oids, s.Schema.OIDs()...)
	}
	known, err := journal.LoadOriginals(ctx, tx, oids...)
	for i := range situations {
		s := &situations[i]
		s.Adopted = map[string]bool{}
		for _, table := range s.Schema.Relations {
			if c := table.Column(s.Profile.Column); c != nil && known[journal.Column{Relation: table.OID, Number: int16(c.Number)}].Adopted {
				s.Adopted[table.Name] = true
			}
		}
	}
	return err
}

// prove calls a function that the role trusts and whose text is not known, to see whether it makes UUIDv7.
func prove(ctx context.Context, pool *pgxpool.Pool, s *plan.Input) error {
	f := s.Schema.Function
	if f == nil || !s.Schema.Usage || !step.FunctionCallable(f, s.Server) {
		return nil
	}
	proof, err := inspect.Prove(ctx, pool, sqltext.Table{Schema: f.Schema, Name: f.Name}, s.Server.Role.Trusts)
	f.Proof = &proof
	return err
}

// count looks at the rows of every column that is there and not whole, a transaction a table: no
// snapshot is held for longer than one scan.
func count(ctx context.Context, pool *pgxpool.Pool, s *plan.Input) error {
	names := chosen(s)
	for i := range s.Schema.Relations {
		table := &s.Schema.Relations[i]
		target, meant := target(s, table, names)
		c := table.Column(target.Column)
		if !meant || c == nil || target.Complete(table) || table.Kind != catalog.Ordinary && !table.IsTree() {
			continue
		}
		if s.RunsUntrustedCode(table) {
			continue // reading it would run the code, and it is refused
		}
		for _, part := range target.Parts(table) {
			if err := countPart(ctx, pool, s, table, part); err != nil {
				return fault.At(err, target.String(), "count")
			}
		}
		if err := countAcross(ctx, pool, s, table, target); err != nil {
			return fault.At(err, target.String(), "count")
		}
	}
	return nil
}

// countPart counts one table; what is found in those of a tree is added up as well.
func countPart(ctx context.Context, pool *pgxpool.Pool, s *plan.Input, root *catalog.Table, part step.Part) error {
	c := part.Table.Column(part.Column)
	if c == nil {
		return nil // a foreign table's, or one that came a moment ago
	}
	var data catalog.Data
	err := pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		data, err = look(ctx, tx, s.Server.Role, part, c)
		return err
	})
	all := s.Data[root.Name]
	all.Nulls, all.Other = all.Nulls || data.Nulls, all.Other+data.Other
	all.Duplicates, all.NotUUIDs = append(all.Duplicates, data.Duplicates...), append(all.NotUUIDs, data.NotUUIDs...)
	s.Data[root.Name] = all
	if root.IsTree() {
		s.Parts[part.Table.OID] = data
	}
	return err
}

// countAcross looks for values that stand in several tables of a tree: no index would find them.
func countAcross(ctx context.Context, pool *pgxpool.Pool, s *plan.Input, root *catalog.Table, t step.Target) error {
	readable := func(one *catalog.Table) bool {
		return one.Owned && !one.Hides(s.Server.Role) && one.Kind != catalog.Foreign && one.Persistence != "t"
	}
	if origin, _ := t.Read(root); origin == step.Made {
		return nil
	}
	for _, one := range root.All() {
		if !root.IsTree() || !readable(one) || root.Column(t.Column).Type != "uuid" {
			return nil // refused already, and perhaps not even to be read
		}
	}
	return pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		data := s.Data[root.Name]
		data.SharedAcross, err = inspect.SharedAcross(ctx, tx, t.Name(), t.Column)
		s.Data[root.Name] = data
		return err
	})
}

func look(ctx context.Context, tx pg.Tx, role catalog.Role, part step.Part, c *catalog.Column) (catalog.Data, error) {
	table, name := part.Table, part.Rows()
	if table.Kind != catalog.Ordinary || !table.Owned || table.Hides(role) {
		return catalog.Data{}, nil // refused already, and perhaps not even to be read
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
