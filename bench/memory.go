package main

import (
	"bytes"
	"errors"
	"os"
	"strconv"
)

// peak returns the peak memory of this process in bytes, or 0 if it is unknown. It reads VmHWM of /proc, because
// getrusage's ru_maxrss includes the memory of the process that started this one.
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
