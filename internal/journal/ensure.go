package journal

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/version.sql
var versionQuery string

// maxRaces bounds the retries when other processes create the same objects at the same time.
const maxRaces = 20

// shortTx returns the settings of the journal's transactions, which are all short.
func shortTx() pg.Settings {
	return pg.Settings{Lock: 2 * time.Second, Statement: 10 * time.Second, Idle: 10 * time.Second}
}

// Ensure brings the journal to [Version]: it creates the schema rekey and its missing tables, and runs the migrations of
// an older version in one transaction. It can be called repeatedly and by several processes at the same time. The schema
// may belong to another role if the current role can create tables in it, or if nothing is to be created or altered and
// the role can read and write the tables. Ensure returns a [problem.Problem] of kind Refused if rights are missing, if the
// journal has a newer version or is not one of rekey's, or if an object in it belongs to a role that the current role does
// not trust; trusts names further owners to trust.
func Ensure(ctx context.Context, pool *pgxpool.Pool, trusts ...string) error {
	var err error
	for range maxRaces {
		err = pg.Retry(ctx, func() error {
			return pg.Run(ctx, pool, shortTx(), func(tx pg.Tx) error { return ensure(ctx, tx, trusts) })
		})
		if !raced(err) {
			return err
		}
	}
	return err
}

// CheckRights returns the problem that Ensure would return for lack of rights or of trust. It changes nothing.
func CheckRights(ctx context.Context, pool *pgxpool.Pool, trusts ...string) error {
	return pg.Read(ctx, pool, func(tx pg.Tx) error {
		s, err := inspect(ctx, tx, trusts)
		if err != nil {
			return err
		}
		return s.checkRights()
	})
}

// raced reports whether another process created the same object at the same time.
func raced(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	// duplicate_schema, duplicate_table, duplicate_object, unique_violation (in the catalogue, the other
	// transaction has not committed yet) and deadlock_detected
	return slices.Contains([]string{"42P06", "42P07", "42710", "23505", "40P01"}, server.Code)
}

func ensure(ctx context.Context, tx pg.Tx, trusts []string) error {
	s, err := inspect(ctx, tx, trusts)
	if err != nil {
		return err
	}
	if err := s.checkRights(); err != nil || s.current() {
		return err
	}
	if s.version > 0 {
		if err := lockVersion(ctx, tx); err != nil {
			return err
		}
		if s, err = inspect(ctx, tx, trusts); err != nil || s.current() { // another process has migrated the journal
			return err
		}
	}
	return s.migrate(ctx, tx)
}

// checkRights returns a problem if the role lacks a right that it needs to use the schema and to migrate the journal, or
// if a table is not the journal's.
func (s schemaState) checkRights() error {
	switch {
	case !s.exists && !s.mayCreateSchema:
		return message.NoJournalSchema(sqltext.Ident(s.role), sqltext.Ident(s.database))
	case !s.exists:
		return nil
	case !s.complete() && !s.create:
		return s.noRights()
	}
	if err := s.checkUse(); err != nil {
		return err
	}
	if owner := s.otherOwner(); owner != "" && s.version < Version {
		return message.JournalNotOwned(s.version, Version, owner, s.role)
	}
	return nil
}

// checkUse returns a problem if the role may not read and write the tables that exist, or if a table is not the journal's.
func (s schemaState) checkUse() error {
	if !s.usage {
		return s.noRights()
	}
	if err := s.checkTables(); err != nil {
		return err
	}
	for _, f := range s.found {
		if !f.writable {
			return s.noRights()
		}
	}
	return nil
}

// otherOwner returns the owner of a table that the role may not alter; "" if it may alter all.
func (s schemaState) otherOwner() string {
	for _, t := range tables() {
		if f, found := s.found[t.name]; found && !f.owned {
			return f.owner
		}
	}
	return ""
}

func (s schemaState) noRights() error {
	return message.NoJournalRights(sqltext.Ident(s.role), sqltext.Ident(s.owner))
}

// Readable reports whether there is a journal that the role may read, of this version or an older one. It creates and
// migrates nothing. The other functions that read the journal require one, and read older versions too. A journal of a
// newer [Version], or one with objects of untrusted owners, is a [problem.Problem] of kind Refused.
func Readable(ctx context.Context, tx pg.Tx, trusts ...string) (bool, error) {
	s, err := readableTables(ctx, tx, trusts)
	return s.found != nil, err
}

// readableTables returns the state of a journal that the role may read, else a state without tables.
func readableTables(ctx context.Context, tx pg.Tx, trusts []string) (schemaState, error) {
	s, err := inspect(ctx, tx, trusts)
	if err != nil || !s.exists || !s.usage || !s.complete() || s.checkTables() != nil {
		return schemaState{}, err
	}
	for _, f := range s.found {
		if !f.readable {
			return schemaState{}, nil
		}
	}
	return s, nil
}
