// Package heap sets how much memory a process of rekey's own lets lie before the garbage collector runs. The library
// leaves that to its host.
package heap

import "runtime/debug"

const (
	// percent is how much garbage there may be, in percent of the memory in use: rekey waits for the server most of the
	// time, and has more of a processor to spare than an operator's machine has memory.
	percent = 50
	// ballast is memory that is never touched, so that it takes none of the machine's. It counts as in use. Without it the
	// collector runs after every 2 MiB in a process as small as rekey's, and takes a quarter of its time.
	ballast = 8 << 20
)

var kept []byte //nolint:gochecknoglobals // it is kept as long as the process runs

// Tune sets it for the process.
func Tune() {
	if kept == nil {
		kept = make([]byte, ballast)
	}
	debug.SetGCPercent(percent)
}
