package run_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// mount puts a disk of one megabyte on a directory, with a directory that belongs to the server.
func mount(t *testing.T, dir, data string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0755"); err != nil {
		t.Skip("no disk can be mounted: ", err)
	}
	t.Cleanup(func() {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		_ = os.Remove(dir)
	})
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(dir, "here")
	if err := os.Mkdir(here, 0o700); err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(here, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}
