// Package phoenixkit runs PhoenixKit's migration V40 on a live database: a uuid column on each of its 33
// tables, filled online, and removed again. It is for hosts that use PhoenixKit's tables from Go; the calls
// have the words of PhoenixKit's own migrations.
package phoenixkit

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// Options says where PhoenixKit's tables are, and how the migration works.
type Options struct {
	// Prefix is the schema of PhoenixKit's tables. Default: "public".
	Prefix string
	// Version is the version to migrate to: 40 for Up, 39 for Down. It is required; Status, Verify and New
	// ignore it.
	Version int
	// Options are rekey's own.
	rekey.Options
}

// New returns a Migrator for PhoenixKit's tables, for the methods that this package does not have, such as
// Pause and Script.
func New(pool *pgxpool.Pool, options Options) (*rekey.Migrator, error) {
	prefix := options.Prefix
	if prefix == "" {
		prefix = "public"
	}
	return rekey.New(pool, Profile().In(prefix), &options.Options)
}

// Up migrates PhoenixKit from version 39 to 40; see [rekey.Migrator.Up].
func Up(ctx context.Context, pool *pgxpool.Pool, options Options) (event.Result, error) {
	m, err := migrator("Up", pool, options, Profile().To)
	if err != nil {
		return event.Result{}, err
	}
	return m.Up(ctx)
}

// Down migrates PhoenixKit from version 40 back to 39; see [rekey.Migrator.Down].
func Down(ctx context.Context, pool *pgxpool.Pool, options Options) (event.Result, error) {
	m, err := migrator("Down", pool, options, Profile().From)
	if err != nil {
		return event.Result{}, err
	}
	return m.Down(ctx)
}

// Plan returns what Up (Version 40) or Down (Version 39) would do. It changes nothing.
func Plan(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Plan, error) {
	m, err := migrator("Plan", pool, options, Profile().To, Profile().From)
	if err != nil {
		return rekey.Plan{}, err
	}
	direction := rekey.Up
	if options.Version == Profile().From {
		direction = rekey.Down
	}
	return m.Plan(ctx, direction)
}

// Status returns the recorded version and the state of each of the 33 tables. It changes nothing.
func Status(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Status, error) {
	m, err := New(pool, options)
	if err != nil {
		return rekey.Status{}, err
	}
	return m.Status(ctx)
}

// Verify proves what Up has done by counting every row; see [rekey.Migrator.Verify]. It changes nothing.
func Verify(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Report, error) {
	m, err := New(pool, options)
	if err != nil {
		return rekey.Report{}, err
	}
	return m.Verify(ctx)
}

// migrator refuses a version that the call cannot migrate to.
func migrator(call string, pool *pgxpool.Pool, options Options, versions ...int) (*rekey.Migrator, error) {
	if slices.Contains(versions, options.Version) {
		return New(pool, options)
	}
	allowed := make([]string, len(versions))
	for i, version := range versions {
		allowed[i] = strconv.Itoa(version)
	}
	return nil, &problem.Problem{
		Kind: problem.Usage, Code: "bad_version", Message: fmt.Sprintf("%s cannot migrate to version %d", call, options.Version),
		Hint: "Set Version: " + strings.Join(allowed, " or ") + " in phoenixkit.Options.",
	}
}
