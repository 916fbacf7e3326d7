//go:build !linux

package server

// memory returns "": no directory with files in memory is known on this system.
func memory() string { return "" }
