//go:build linux || darwin

package scratch

import "syscall"

// Free returns the free bytes of the file system of a directory; 0 if it is not known.
func Free(dir string) int64 {
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return 0
	}
	return int64(fs.Bavail) * int64(fs.Bsize) //nolint:unconvert,nolintlint // the types differ between systems
}
