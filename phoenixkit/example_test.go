package phoenixkit_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// A host migrates its database from 39 to 40, verifies it, and migrates it back.
func Example() {
	ctx := context.Background()
	pool, end := host(ctx) // the application's own *pgxpool.Pool; MaxConns of 2 is enough
	defer end()

	result, err := phoenixkit.Up(ctx, pool, phoenixkit.Options{Prefix: "public", Version: 40})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("up:", result.Tables, "tables, version", result.Version)

	report, err := phoenixkit.Verify(ctx, pool, phoenixkit.Options{Prefix: "public"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("verify:", report.OK, report.Differences)

	result, err = phoenixkit.Down(ctx, pool, phoenixkit.Options{Prefix: "public", Version: 39})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("down:", result.Tables, "tables, version", result.Version)
	// Output:
	// up: 33 tables, version 40
	// verify: true []
	// down: 33 tables, version 39
}

// Up checks everything before it changes anything, and returns all problems at once.
func ExampleUp_refused() {
	ctx := context.Background()
	pool, end := host(ctx)
	defer end()
	_, err := pool.Exec(ctx, `ALTER TABLE phoenix_kit_users ADD COLUMN uuid varchar(36);
		CREATE INDEX phoenix_kit_settings_uuid_idx ON phoenix_kit_orders (id)`)
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = phoenixkit.Up(ctx, pool, phoenixkit.Options{Version: 40})
	if errors.Is(err, problem.ErrRefused) {
		problems, _ := errors.AsType[problem.List](err)
		for _, p := range problems {
			fmt.Println(p.Code, p.Table) // p.Hint contains the next command
		}
	}
	// Output:
	// text_column public.phoenix_kit_users
	// index_name_taken public.phoenix_kit_settings
}

// host creates a PhoenixKit database at version 39 on a temporary server.
func host(ctx context.Context) (*pgxpool.Pool, func()) {
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
	if _, err := fixture.Install(ctx, pool, "public"); err != nil {
		log.Fatal(err)
	}
	return pool, func() {
		pool.Close()
		_ = cluster.Stop(ctx)
	}
}
