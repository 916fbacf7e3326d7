package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sockets counts the TCP connections of a process, on Linux.
type sockets struct {
	most map[string]int // the greatest number at a time, by address
	all  int            // of all addresses together
}

// socketInterval is the time between two counts.
const socketInterval = 20 * time.Millisecond

// watch counts the connections of a process until ended is called.
func (s *sockets) watch(pid int) (ended func()) {
	s.most = map[string]int{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for rest(ctx, socketInterval) == nil {
			now := connectionsOf(pid)
			all := 0
			for address, number := range now {
				s.most[address] = max(s.most[address], number)
				all += number
			}
			s.all = max(s.all, all)
		}
	}()
	return func() { cancel(); <-done }
}

// connectionsOf returns the number of established connections of a process, by the address of the other end.
func connectionsOf(pid int) map[string]int {
	process := filepath.Join("/proc", strconv.Itoa(pid))
	files, _ := os.ReadDir(filepath.Join(process, "fd")) // as much as can be read
	own := map[string]bool{}
	for _, file := range files {
		target, _ := os.Readlink(filepath.Join(process, "fd", file.Name()))
		if number, is := strings.CutPrefix(target, "socket:["); is {
			own[strings.TrimSuffix(number, "]")] = true
		}
	}
	found := map[string]int{}
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile(filepath.Join(process, "net", table)) //nolint:gosec // a file of /proc
		for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			const remote, state, inode, established = 2, 3, 9, "01"
			if len(fields) > inode && fields[state] == established && own[fields[inode]] {
				found[addressOf(fields[remote])]++
				delete(own, fields[inode]) // while connections come and go the kernel lists some of them twice
			}
		}
	}
	return found
}

// addressOf reads an address of /proc/net/tcp, as 0100007F:1E14.
func addressOf(text string) string {
	host, port, _ := strings.Cut(text, ":")
	ip, _ := hex.DecodeString(host)
	const word = 4
	for group := range slices.Chunk(ip, word) { // each word is in the machine's order of bytes
		slices.Reverse(group)
	}
	number, _ := strconv.ParseUint(port, 16, 16)
	return net.JoinHostPort(net.IP(ip).String(), strconv.FormatUint(number, 10))
}
