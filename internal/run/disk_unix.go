//go:build linux || darwin

package run

import (
	"path/filepath"
	"syscall"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// freeSpace returns the free bytes of the fullest file system that has a part of the server's data, and the directory, if the
// server runs on this machine and the role may see where; else 0. Symbolic links are followed: the WAL is often one.
func freeSpace(l catalog.Load) (bytes int64, place string) {
	if !l.Local || l.DataDirectory == "" {
		return 0, ""
	}
	places := []string{l.DataDirectory, filepath.Join(l.DataDirectory, "pg_wal")}
	for _, t := range l.Tablespaces {
		if t.Path != "" {
			places = append(places, t.Path)
		}
	}
	for _, path := range places {
		var fs syscall.Statfs_t
		if syscall.Statfs(path, &fs) != nil {
			continue // another user's directory
		}
		if free := int64(fs.Bavail) * int64(fs.Bsize); place == "" || free < bytes { //nolint:unconvert,nolintlint // the types differ between systems
			bytes, place = free, path
		}
	}
	return bytes, place
}
