package journal

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/format.sql
var formatQuery string

// maxRaces bounds the retries when other processes create the same objects at the same time.
const maxRaces = 20

// shortTx returns the settings of the journal's transactions, which are all short.
func shortTx() pg.Settings {
	return pg.Settings{Lock: 2 * time.Second, Statement: 10 * time.Second, Idle: 10 * time.Second}
}

// Ensure creates the schema rekey and its missing tables. It can be called repeatedly and by several processes at
// the same time. The schema may belong to another role if the current role can create tables in it, or if all
// tables exist and the role can read and write them. Ensure returns a [problem.Problem] of kind Refused if rights
// are missing, if the journal has a newer [Format] or is not one of rekey's, or if an object in it belongs to a
// role that the current role does not trust; trusts names further owners to trust.
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
	missing := s.missing()
	if err := s.checkRights(missing); err != nil {
		return err
	}
	if _, made := s.found["format"]; made {
		if err := checkFormat(ctx, tx); err != nil {
			return err
		}
	}
	return create(ctx, tx, s.exists, missing)
}

// checkRights returns a problem if the role lacks a right that it needs to use the schema and create the missing
// tables, or if a table is not the journal's.
func (s schemaState) checkRights(missing []table) error {
	switch {
	case !s.exists && !s.mayCreateSchema:
		return message.NoJournalSchema(sqltext.Ident(s.role), sqltext.Ident(s.database))
	case !s.exists:
		return nil
	case !s.usage || len(missing) > 0 && !s.create:
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

func (s schemaState) noRights() error {
	return message.NoJournalRights(sqltext.Ident(s.role), sqltext.Ident(s.owner))
}

func create(ctx context.Context, tx pg.Tx, exists bool, missing []table) error {
	var statements []string
	if !exists {
		statements = append(statements, "CREATE SCHEMA rekey", "REVOKE ALL ON SCHEMA rekey FROM PUBLIC")
	}
	if len(missing) > 0 {
		// The tables are heap tables in the database's default tablespace, regardless of the role's defaults. Naming
		// pg_default instead would require a right on it if the database uses another tablespace.
		statements = append(statements, "SET LOCAL default_tablespace = ''", "SET LOCAL default_table_access_method = heap")
	}
	for _, t := range missing {
		name := sqltext.Table{Schema: "rekey", Name: t.name}
		// The role's default privileges may grant access to PUBLIC.
		statements = append(statements, t.create, sqltext.Format("REVOKE ALL ON TABLE {} FROM PUBLIC", name))
		if t.name == "format" {
			statements = append(statements, sqltext.Format("INSERT INTO rekey.format (version) VALUES ({})", Format))
		}
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// checkFormat returns a problem if the journal has a newer format.
func checkFormat(ctx context.Context, tx pg.Tx) error {
	var version int
	err := tx.QueryRow(ctx, formatQuery).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return message.NotJournalTable("format", "It contains no version")
	}
	if err == nil && version > Format {
		return message.JournalTooNew(version, Format)
	}
	return err
}

// Readable reports whether there is a complete journal that the role may read. It creates nothing. The other
// functions that read the journal require one. A journal of a newer [Format], or one with objects of untrusted
// owners, is a [problem.Problem] of kind Refused.
func Readable(ctx context.Context, tx pg.Tx, trusts ...string) (bool, error) {
	s, err := inspect(ctx, tx, trusts)
	if err != nil || !s.exists || !s.usage || len(s.missing()) > 0 || s.checkTables() != nil {
		return false, err
	}
	for _, f := range s.found {
		if !f.readable {
			return false, nil
		}
	}
	return true, checkFormat(ctx, tx)
}
