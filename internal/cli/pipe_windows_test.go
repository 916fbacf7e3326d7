package cli

import "testing"

// pipe names what is no file on Windows.
func pipe(*testing.T) string { return `\\.\pipe\rekey-none` }
