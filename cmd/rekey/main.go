// Command rekey gives the tables of a live PostgreSQL database UUIDv7 keys, online, and takes them
// back. See `rekey --help`.
package main

import (
	"context"
	"os"

	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/heap"
)

func main() { os.Exit(run()) }

func run() int {
	heap.Tune()
	return cli.Run(context.Background(), cli.System())
}
