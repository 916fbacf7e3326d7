package server

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const (
	memoryDir = "/dev/shm"
	// minFree is the number of bytes that must be free in the file system and in memory: several servers run at once,
	// and each may keep a gigabyte of WAL.
	minFree = 10 << 30
	// tmpfs is TMPFS_MAGIC of statfs(2).
	tmpfs = 0x01021994
)

// memory returns a directory whose files are in memory, if there is one with enough space, or "". Creating and
// dropping a database changes hundreds of files, which takes several times as long on a disk.
func memory() string {
	var fs syscall.Statfs_t
	if syscall.Statfs(memoryDir, &fs) != nil || fs.Type != tmpfs || int64(fs.Bavail)*fs.Bsize < minFree || available() < minFree {
		return ""
	}
	info, err := os.Stat(memoryDir)
	if err != nil || info.Mode()&os.ModeSticky == 0 || info.Mode()&0o007 != 0o007 {
		return ""
	}
	return memoryDir
}

// available returns the bytes of memory that are available without swapping, as /proc/meminfo reports, or 0 if it does
// not.
func available() int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), "MemAvailable:"); found {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
