// Package rekeytest calls the public API in one line, for tests of whole runs.
package rekeytest

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// Setup is what a Migrator is made of.
type Setup struct {
	Scope     rekey.Scope
	Options   rekey.Options
	Direction rekey.Direction // of Plan; default: up
}

// With returns the setup with a changed schema selection; its scope is a rekey.Schema, or nil.
func (s Setup) With(change func(*rekey.Schema)) Setup {
	schema, _ := s.Scope.(rekey.Schema)
	change(&schema)
	s.Scope = schema
	return s
}

// Up calls Migrator.Up.
func Up(ctx context.Context, pool *pgxpool.Pool, s Setup) (event.Result, error) {
	m, err := rekey.New(pool, s.Scope, &s.Options)
	if err != nil {
		return event.Result{}, err
	}
	return m.Up(ctx)
}

// Down calls Migrator.Down.
func Down(ctx context.Context, pool *pgxpool.Pool, s Setup) (event.Result, error) {
	m, err := rekey.New(pool, s.Scope, &s.Options)
	if err != nil {
		return event.Result{}, err
	}
	return m.Down(ctx)
}

// Plan calls Migrator.Plan.
func Plan(ctx context.Context, pool *pgxpool.Pool, s Setup) (rekey.Plan, error) {
	m, err := rekey.New(pool, s.Scope, &s.Options)
	if err != nil {
		return rekey.Plan{}, err
	}
	if s.Direction == "" {
		s.Direction = rekey.Up
	}
	return m.Plan(ctx, s.Direction)
}

// Status calls Migrator.Status.
func Status(ctx context.Context, pool *pgxpool.Pool, s Setup) (rekey.Status, error) {
	m, err := rekey.New(pool, s.Scope, &s.Options)
	if err != nil {
		return rekey.Status{}, err
	}
	return m.Status(ctx)
}

// Verify calls Migrator.Verify.
func Verify(ctx context.Context, pool *pgxpool.Pool, s Setup) (rekey.Report, error) {
	m, err := rekey.New(pool, s.Scope, &s.Options)
	if err != nil {
		return rekey.Report{}, err
	}
	return m.Verify(ctx)
}

// Script calls Migrator.Script in the direction of the setup.
func Script(ctx context.Context, pool *pgxpool.Pool, s Setup, format rekey.ScriptFormat) ([]rekey.ScriptFile, error) {
	m, err := rekey.New(pool, s.Scope, &s.Options)
	if err != nil {
		return nil, err
	}
	return m.Script(ctx, rekey.ScriptOptions{Direction: s.Direction, Format: format})
}
