package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Tenants is the cost of many schemas with ten small tables each.
type Tenants struct {
	Schemas     int           `json:"schemas"`
	Parallel    int           `json:"parallel"`
	Plan        time.Duration `json:"plan_ns"`
	Kinds       int           `json:"kinds"` // number of plans that were made
	Up          time.Duration `json:"up_ns"`
	Tables      int           `json:"tables"`
	Memory      int64         `json:"rekey_peak_bytes"`
	Connections int           `json:"peak_connections"`
	Error       string        `json:"error,omitempty"`
}

const (
	tenantsName     = "tenants"
	tenantsDatabase = "bench_tenants"
	tenantTables    = 10
	tenantRows      = 20
	aTime           = 400 // number of schemas that are planned together
)

// tenants measures rekey on that many schemas, in its own process.
func (l *lab) tenants(ctx context.Context) (err error) {
	schemas := l.options.tenants
	l.say(fmt.Sprintf("building %d schemas of %d tables", schemas, tenantTables))
	defer func() { err = errors.Join(err, l.drop(context.WithoutCancel(ctx), tenantsDatabase)) }()
	if err := l.makeTenants(ctx, schemas); err != nil {
		return err
	}
	most, ended := l.connections(ctx)
	found, err := hire(ctx, order{URL: l.cluster.URL(tenantsDatabase), Tenants: schemas, Parallel: l.options.parallel})
	ended()
	t := Tenants{Schemas: schemas, Parallel: l.options.parallel, Connections: int(most.Load())}
	if err == nil && found.Error != "" {
		err = errors.New(found.Error)
	}
	if err != nil {
		t.Error = err.Error()
	} else {
		t.Plan, t.Kinds, t.Up, t.Tables, t.Memory = found.Plan, found.Kinds, found.Up, found.Tables, found.Memory
	}
	l.server.Tenants = append(l.server.Tenants, t)
	l.say(fmt.Sprintf("%s, %d schemas: planned in %s, %d tables in %s", tenantsName, schemas, seconds(t.Plan), t.Tables, seconds(t.Up)))
	return err
}

// makeTenants creates the schemas in several transactions, because each table holds a lock until its transaction ends.
func (l *lab) makeTenants(ctx context.Context, schemas int) error {
	if err := l.drop(ctx, tenantsDatabase); err != nil {
		return err
	}
	if err := execute(ctx, l.admin, sqltext.Format("CREATE DATABASE {}", sqltext.Name(tenantsDatabase))); err != nil {
		return err
	}
	session, err := pgx.Connect(ctx, l.cluster.URL(tenantsDatabase))
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	for n := range schemas {
		if _, err := session.Exec(ctx, fmt.Sprintf(tenantSQL, n, tenantTables, tenantRows), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	return execute(ctx, session, "CHECKPOINT")
}

// connections counts the maximum number of sessions of the database until ended is called.
func (l *lab) connections(ctx context.Context) (most *atomic.Int64, ended func()) {
	ctx, cancel := context.WithCancel(ctx)
	most, done := &atomic.Int64{}, make(chan struct{})
	go func() {
		defer close(done)
		for rest(ctx, 50*time.Millisecond) == nil {
			var now int64
			err := l.admin.QueryRow(context.WithoutCancel(ctx),
				"SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'", tenantsDatabase).Scan(&now)
			if err == nil {
				most.Store(max(most.Load(), now))
			}
		}
	}()
	return most, func() { cancel(); <-done }
}

// overTenants is the child's part: it plans and runs as the command does.
func (o order) overTenants(ctx context.Context) (a answer, err error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return a, err
	}
	config.MaxConns, config.MaxConnLifetime = int32(3*o.Parallel+1), 10*time.Second
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return a, err
	}
	defer pool.Close()
	begun := time.Now()
	schemas, err := rekey.MatchSchemas(ctx, pool, "tenant_*")
	if err != nil {
		return a, err
	}
	planner, err := rekey.NewPlanner(pool, rekey.Schema{Name: "tenant"}, nil)
	if err != nil {
		return a, err
	}
	for some := range slices.Chunk(schemas, aTime) {
		plans, err := planner.Plans(ctx, rekey.Up, some)
		if err != nil {
			return a, err
		}
		for _, p := range plans {
			if p.SameAs == "" {
				a.Kinds++
			}
		}
	}
	a.Plan, begun = time.Since(begun), time.Now()
	var tables atomic.Int64
	var failed error
	rekey.Fleet{Schemas: schemas, Parallel: o.Parallel}.Each(ctx, nil, func(ctx context.Context, schema string) error {
		result, err := rekeytest.Up(ctx, pool, rekeytest.Setup{Scope: rekey.Schema{Name: schema}})
		tables.Add(int64(result.Tables))
		return err
	}, func(_ string, err error) { failed = errors.Join(failed, err) })
	a.Up, a.Tables = time.Since(begun), int(tables.Load())
	return a, failed
}

func (t Tenants) cells() []string {
	if t.Error != "" {
		return []string{fmt.Sprint(t.Schemas), fmt.Sprint(t.Parallel), "failed: " + t.Error}
	}
	return []string{
		fmt.Sprint(t.Schemas), fmt.Sprint(t.Parallel), seconds(t.Plan), fmt.Sprintf("%.0f", float64(t.Schemas)/t.Plan.Seconds()), fmt.Sprint(t.Kinds),
		fmt.Sprint(t.Tables), seconds(t.Up), fmt.Sprintf("%.1f", float64(t.Tables)/t.Up.Seconds()), megabytes(t.Memory), fmt.Sprint(t.Connections),
	}
}
