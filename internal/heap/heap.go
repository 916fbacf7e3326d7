// Package heap tunes the garbage collector for processes of rekey's own. The library leaves that to its host.
package heap

import "runtime/debug"

const (
	// percent is GOGC: how much garbage may accumulate, in percent of the memory in use. rekey mostly waits for the
	// server, so it has more processor time to spare than an operator's machine has memory.
	percent = 50
	// ballast is the size of memory that is allocated but never touched, so that it occupies no physical memory. It
	// counts as in use: without it the collector runs after every 2 MiB in a process as small as rekey's and takes
	// a quarter of its time.
	ballast = 8 << 20
)

var ballastMemory []byte //nolint:gochecknoglobals // it must stay allocated as long as the process runs

// Tune sets the garbage collector's parameters for the process. It must not be called concurrently.
func Tune() {
	if ballastMemory == nil {
		ballastMemory = make([]byte, ballast)
	}
	debug.SetGCPercent(percent)
}
