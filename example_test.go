package rekey_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// A plan says what would happen to each table, with locks and statements.
func ExampleMigrator_Plan() {
	ctx := context.Background()
	pool, end := host(ctx, "Auth-Kit")
	defer end()

	m, err := rekey.New(pool, phoenixkit.Profile().In("Auth-Kit"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := m.Plan(ctx, rekey.Up)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("version", plan.Version, "to", plan.ToVersion)
	for _, group := range plan.Groups {
		if group.Table != "phoenix_kit_settings" {
			continue
		}
		fmt.Println(group.Table, "is", group.State)
		for _, step := range group.Steps {
			fmt.Println(step.ID) // step.Lock, step.Scans and step.SQL have the details
		}
	}
	// Output:
	// version 39 to 40
	// phoenix_kit_settings is pending
	// Auth-Kit.phoenix_kit_settings/add-column
	// Auth-Kit.phoenix_kit_settings/fill-column
	// Auth-Kit.phoenix_kit_settings/build-index
	// Auth-Kit.phoenix_kit_settings/require-value
	// Auth-Kit.phoenix_kit_settings/settle
}

// Errors match the sentinel of their kind; the problem says what is wrong and what to do.
func ExampleMigrator_Verify() {
	ctx := context.Background()
	pool, end := host(ctx, "public")
	defer end()

	m, err := rekey.New(pool, phoenixkit.Profile(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := m.Verify(ctx) // before up
	if errors.Is(err, problem.ErrDiffers) {
		first, _ := errors.AsType[*problem.Problem](err)
		fmt.Println(first.Message)
		fmt.Println(report.Differences[0])
	}
	// Output:
	// verify found 35 differences
	// phoenix_kit_users: no column
}

// host makes a PhoenixKit database at version 39 in a schema of a throw-away server.
func host(ctx context.Context, schema string) (*pgxpool.Pool, func()) {
	found, err := server.FindAny(ctx)
	if err != nil {
		log.Fatal(err)
	}
	cluster, err := server.Start(ctx, found, server.Options{})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := pgxpool.New(ctx, cluster.URL("postgres"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := fixture.Install(ctx, pool, schema); err != nil {
		log.Fatal(err)
	}
	return pool, func() {
		pool.Close()
		_ = cluster.Stop(ctx)
	}
}
