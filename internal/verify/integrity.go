package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Integrity is the result of the profile's own rule, which applies from the version on at which every table with
// the column has it as its primary key: the column is of type uuid and NOT NULL, the table has a primary key, and
// no value occurs twice.
type Integrity struct {
	Tables int           // number of tables that have the column and were checked
	Broken []BrokenTable // tables that break the rule
}

// BrokenTable is a table that breaks the profile's rule.
type BrokenTable struct {
	Table      string
	Type       string // type of the column
	Missing    []string
	Duplicates int64 // number of values that occur more than once
}

// checkIntegrity checks every table whose name begins as the profile's tables do. It returns nil below the version.
// It reads each table without a unique index in a transaction of its own.
func checkIntegrity(ctx context.Context, pool *pgxpool.Pool, p plan.Plan) (*Integrity, error) {
	if p.Keyed == "" {
		return nil, nil //nolint:nilnil // the rule does not apply yet
	}
	var tables []inspect.KeyCandidate
	err := pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		tables, err = inspect.KeyCandidates(ctx, tx, p.SchemaName, p.Keyed, p.Column)
		return err
	})
	if err != nil {
		return nil, err
	}
	report := &Integrity{Tables: len(tables), Broken: []BrokenTable{}}
	for _, table := range tables {
		broken := BrokenTable{Table: table.Name, Type: table.Type, Missing: missingOf(table)}
		if !table.Unique || table.Type != "uuid" {
			if broken.Duplicates, err = countDuplicates(ctx, pool, p, table); err != nil {
				return nil, err
			}
		}
		if len(broken.Missing) > 0 || broken.Duplicates > 0 {
			report.Broken = append(report.Broken, broken)
		}
	}
	return report, nil
}

func missingOf(table inspect.KeyCandidate) []string {
	var missing []string
	if table.Type != "uuid" {
		missing = append(missing, "type uuid")
	}
	if !table.Required {
		missing = append(missing, "NOT NULL")
	}
	if !table.HasPrimaryKey {
		missing = append(missing, "primary key")
	}
	return missing
}

func countDuplicates(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, table inspect.KeyCandidate) (count int64, err error) {
	name := sqltext.Table{Schema: p.SchemaName, Name: table.Name}
	read := &catalog.Table{
		OID: uint32(table.Relation), Schema: name.Schema, Name: name.Name, Kind: catalog.Kind(table.Kind), Owner: table.Owner, OwnerBecomes: table.OwnerBecomes,
	}
	err = guard.Reading(p.Server, read).Read(ctx, pool, func(tx pg.Tx) (err error) {
		count, err = inspect.DuplicateUUIDs(ctx, tx, name, p.Column)
		return err
	})
	return count, explainUnreadable(err, step.Target{Schema: p.SchemaName, Table: name.Name}, p.Server.Role)
}

// differences returns one line for each broken rule that is not reported for the profile's tables already.
func (i *Integrity) differences(tables []TableReport) []string {
	if i == nil {
		return nil
	}
	var lines []string
	for _, broken := range i.Broken {
		var known TableReport
		if at := slices.IndexFunc(tables, func(t TableReport) bool { return t.Table == broken.Table }); at >= 0 {
			known = tables[at]
		}
		for _, missing := range broken.Missing {
			if !slices.Contains(known.Missing, missing) {
				lines = append(lines, fmt.Sprintf("%s: no %s", broken.Table, missing))
			}
		}
		if broken.Duplicates > 0 && known.Duplicates == 0 {
			lines = append(lines, broken.Table+": "+message.Counted(broken.Duplicates, duplicate, duplicates))
		}
	}
	return lines
}
