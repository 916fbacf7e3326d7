// Command rekey-docs writes the man pages of rekey from its commands:
//
//	go run ./cmd/rekey-docs docs/man
//
// Its test writes docs/reference/commands.md from the same source.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rekey-pg/rekey/internal/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: rekey-docs DIRECTORY")
		os.Exit(2)
	}
	if err := writeManPages(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "rekey-docs:", err)
		os.Exit(1)
	}
}

func writeManPages(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // everybody may read man pages
		return err
	}
	for name, text := range manPages(cli.Root()) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // the same
			return err
		}
	}
	return nil
}
