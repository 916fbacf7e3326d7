//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyResize sends to the channel when the terminal has another size, until the returned function is called.
func notifyResize(to chan os.Signal) func() {
	signal.Notify(to, syscall.SIGWINCH)
	return func() { signal.Stop(to) }
}

// obeysSequences reports whether a terminal obeys escape sequences, and returns the function that undoes the preparation.
func obeysSequences(*os.File) (restore func(), ok bool) { return func() {}, true }
