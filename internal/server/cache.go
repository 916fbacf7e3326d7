package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// staleAfter is the age at which an unfinished directory in the cache belongs to no living program.
const staleAfter = 24 * time.Hour

// cacheDir gives the directory of what is worth keeping between runs: REKEY_CACHE_DIR, or one that
// the server's user can read. It is made when it is not there.
func cacheDir() (string, error) {
	dir := os.Getenv("REKEY_CACHE_DIR")
	if dir == "" {
		base, err := userCache()
		if err != nil {
			return "", fmt.Errorf("no place for a cache, set REKEY_CACHE_DIR: %w", err)
		}
		dir = filepath.Join(base, "rekey")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return dir, openDir(dir)
}

// openDir makes a directory that all may read, whatever the umask says.
func openDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// build puts into the cache what fill writes into an empty directory, under the name and all at
// once: whoever finds the name finds it whole. Of two that build at the same time one wins.
func build(cache, name string, fill func(dir string) error) error {
	sweep(cache)
	work, err := os.MkdirTemp(cache, "unfinished-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	whole := filepath.Join(work, "whole")
	if err := fill(whole); err != nil {
		return err
	}
	target := filepath.Join(cache, name)
	if err := os.Rename(whole, target); err != nil {
		if _, there := os.Stat(target); there != nil {
			return err
		}
	}
	return nil
}

// sweep removes what killed programs left unfinished. What cannot be removed does no harm.
func sweep(cache string) {
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), "unfinished-") && time.Since(info.ModTime()) > staleAfter {
			_ = os.RemoveAll(filepath.Join(cache, entry.Name()))
		}
	}
}
