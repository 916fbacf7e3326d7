package main

import (
	"bytes"
	"errors"
	"os"
	"strconv"
)

// peak is the most memory that this process has held, in bytes. It is VmHWM of /proc where there is
// one: getrusage's ru_maxrss counts what the process held that started this one. Elsewhere it is 0.
func peak() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if rest, found := bytes.CutPrefix(line, []byte("VmHWM:")); found {
			number, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
			kibibytes, err := strconv.ParseInt(string(number), 10, 64)
			return kibibytes << 10, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/self/status")
}
