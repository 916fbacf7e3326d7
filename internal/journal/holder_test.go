package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
)

// holdLease is the main function of the second process: it acquires the lease, keeps a guarded transaction open
// until it reads a line, and reports what happened.
func holdLease(url string) {
	ctx := context.Background()
	fatal := func(err error) {
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	pool, err := pgxpool.New(ctx, url)
	fatal(err)
	lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
	fatal(err)
	settings := shortTx()
	settings.Idle = 5 * time.Second
	batch := pg.Run(ctx, pool, settings, func(tx pg.Tx) error {
		if err := lease.Guard(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO public.work VALUES (1)"); err != nil {
			return err
		}
		fmt.Println("in a batch")
		_, err := bufio.NewReader(os.Stdin).ReadString('\n')
		return err
	})
	fmt.Println("the batch failed:", batch != nil)
	guarded := pg.Run(ctx, pool, settings, func(tx pg.Tx) error { return lease.Guard(ctx, tx) })
	fmt.Println("the guard says lost:", errors.Is(guarded, ErrLost))
	<-lease.Lost()
	fmt.Println("lost")
}
