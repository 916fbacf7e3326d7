package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Integrity is the kit's own rule, from the version on at which every table of it with the column has a primary key: the column
// is of type uuid and NOT NULL, the table has a primary key, and no two rows have the same value.
type Integrity struct {
	Tables int           `json:"tables"` // that have the column and were checked
	Broken []BrokenTable `json:"broken"` // those that break the rule
}

// BrokenTable is a table that breaks the kit's rule.
type BrokenTable struct {
	Table      string   `json:"table"`
	Type       string   `json:"type"` // of the column
	Lacks      []string `json:"lacks,omitempty"`
	Duplicates int64    `json:"duplicates"` // values that another row has too
}

// integrity checks every table whose name begins as the kit's do; nil below the version. It reads each table that no index
// keeps unique, in a transaction of its own.
func integrity(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, kit profile.Profile) (*Integrity, error) {
	if kit.KeyedFrom == 0 || p.Version < kit.KeyedFrom {
		return nil, nil //nolint:nilnil // there is no rule yet
	}
	var tables []inspect.KeyCandidate
	err := pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		tables, err = inspect.KeyCandidates(ctx, tx, p.SchemaName, kit.VersionTable+"_", p.Column)
		return err
	})
	if err != nil {
		return nil, err
	}
	found := &Integrity{Tables: len(tables), Broken: []BrokenTable{}}
	for _, table := range tables {
		broken := BrokenTable{Table: table.Name, Type: table.Type, Lacks: lacksOf(table)}
		if !table.Unique || table.Type != "uuid" {
			if broken.Duplicates, err = alike(ctx, pool, p, table.Name); err != nil {
				return nil, err
			}
		}
		if len(broken.Lacks) > 0 || broken.Duplicates > 0 {
			found.Broken = append(found.Broken, broken)
		}
	}
	return found, nil
}

func lacksOf(table inspect.KeyCandidate) []string {
	var lacks []string
	if table.Type != "uuid" {
		lacks = append(lacks, "type uuid")
	}
	if !table.Required {
		lacks = append(lacks, "NOT NULL")
	}
	if !table.HasPrimaryKey {
		lacks = append(lacks, "primary key")
	}
	return lacks
}

func alike(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, name string) (count int64, err error) {
	err = pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		count, err = inspect.DuplicateUUIDs(ctx, tx, sqltext.Table{Schema: p.SchemaName, Name: name}, p.Column)
		return err
	})
	return count, unreadable(err, step.Target{Schema: p.SchemaName, Table: name}, p.Server.Role)
}

// faults are a line for each fault that is not reported for the profile's tables already.
func (i *Integrity) faults(told []TableReport) []string {
	if i == nil {
		return nil
	}
	var lines []string
	for _, broken := range i.Broken {
		var known TableReport
		if at := slices.IndexFunc(told, func(t TableReport) bool { return t.Table == broken.Table }); at >= 0 {
			known = told[at]
		}
		for _, lack := range broken.Lacks {
			if !slices.Contains(known.Lacks, lack) {
				lines = append(lines, fmt.Sprintf("%s: no %s", broken.Table, lack))
			}
		}
		if broken.Duplicates > 0 && known.Duplicates == 0 {
			lines = append(lines, broken.Table+": "+message.Counted(broken.Duplicates, duplicate, duplicates))
		}
	}
	return lines
}
