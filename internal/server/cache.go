package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// staleAfter is the age at which an unfinished directory in the cache belongs to no running program.
const staleAfter = 24 * time.Hour

// cacheDir returns the cache directory, REKEY_CACHE_DIR or one that the server's user can read, and creates it if it
// is missing.
func cacheDir() (string, error) {
	dir := os.Getenv("REKEY_CACHE_DIR")
	if dir == "" {
		base, err := userCache()
		if err != nil {
			return "", fmt.Errorf("no cache directory, set REKEY_CACHE_DIR: %w", err)
		}
		dir = filepath.Join(base, "rekey")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return dir, openDir(dir)
}

// openDir creates a directory that every user may read, regardless of the umask.
func openDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// build lets fill write a new entry of the cache and then gives it its name, so that an entry with a name is complete.
// If two processes build the same entry, one of them wins.
func build(cache, name string, fill func(dir string) error) error {
	removeUnfinished(cache)
	work, err := os.MkdirTemp(cache, "unfinished-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	complete := filepath.Join(work, "complete")
	if err := fill(complete); err != nil {
		return err
	}
	target := filepath.Join(cache, name)
	if err := os.Rename(complete, target); err != nil {
		if _, there := os.Stat(target); there != nil {
			return err
		}
	}
	return nil
}

// removeUnfinished removes the directories that killed programs left behind. Directories that cannot be removed do no
// harm.
func removeUnfinished(cache string) {
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
