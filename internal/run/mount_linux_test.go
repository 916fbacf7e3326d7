package run_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// mount mounts a disk of one megabyte on dir, with a directory that the server's owner can write to.
func mount(t *testing.T, dir, data string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0755"); err != nil {
		t.Skip("cannot mount a disk: ", err)
	}
	t.Cleanup(func() {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		_ = os.Remove(dir)
	})
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	tablespace := filepath.Join(dir, "tablespace")
	if err := os.Mkdir(tablespace, 0o700); err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(tablespace, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}
