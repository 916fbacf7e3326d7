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
	// roomy is how many bytes must be free, of the file system and of the memory behind it: some servers
	// run at once, and each may keep a gigabyte of WAL.
	roomy = 10 << 30
	// tmpfs is TMPFS_MAGIC of statfs(2).
	tmpfs = 0x01021994
)

// memory gives a directory whose files are in memory, where there is one with room; "" if not. Making
// and dropping a database is hundreds of files, and a disk takes several times as long for them.
func memory() string {
	var fs syscall.Statfs_t
	if syscall.Statfs(memoryDir, &fs) != nil || fs.Type != tmpfs || int64(fs.Bavail)*fs.Bsize < roomy || available() < roomy {
		return ""
	}
	info, err := os.Stat(memoryDir)
	if err != nil || info.Mode()&os.ModeSticky == 0 || info.Mode()&0o007 != 0o007 {
		return ""
	}
	return memoryDir
}

// available is how many bytes of memory can be had without swapping, as /proc/meminfo tells; 0 if it
// does not.
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
