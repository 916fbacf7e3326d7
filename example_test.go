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
)

// A plan is a value: what would happen to each table, with the locks and the statements. Making it
// changes nothing.
func ExampleMakePlan() {
	ctx := context.Background()
	pool, end := host(ctx, "Auth-Kit")
	defer end()

	config := rekey.Config{Profile: phoenixkit.Profile(), Prefix: "Auth-Kit", Version: 40}
	plan, err := rekey.MakePlan(ctx, pool, config)
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
			fmt.Println(step.ID) // step.Lock, step.Scans and step.SQL say the rest
		}
	}
	// Output:
	// version 39 to 40
	// phoenix_kit_settings is missing
	// Auth-Kit.phoenix_kit_settings/add-column
	// Auth-Kit.phoenix_kit_settings/fill-column
	// Auth-Kit.phoenix_kit_settings/build-index
	// Auth-Kit.phoenix_kit_settings/require-value
	// Auth-Kit.phoenix_kit_settings/settle
}

// Errors answer to errors.Is by their kind; the problems inside say what is wrong and what to do.
func ExampleVerify() {
	ctx := context.Background()
	pool, end := host(ctx, "public")
	defer end()

	config := rekey.Config{Profile: phoenixkit.Profile(), Version: 40}
	report, err := rekey.Verify(ctx, pool, config) // before up has run
	if errors.Is(err, rekey.ErrDiffers) {
		problem, _ := errors.AsType[*rekey.Problem](err)
		fmt.Println(problem.Message)
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
