// Command rekey-demo shows rekey on a throw-away database under live traffic. It is a program of its own, so that
// rekey itself contains no server, no downloader and no test database. See `rekey-demo --help`.
package main

import (
	"context"
	"os"

	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/heap"
)

func main() { os.Exit(run(cli.System())) }

func run(p cli.Process) int {
	heap.Tune()
	return cli.RunProgram(context.Background(), p, "demo", command)
}
