package cli

import "testing"

// pipe returns the name of a device, since Windows has no named pipes in directories.
func pipe(*testing.T) string { return `\\.\pipe\rekey-none` }
