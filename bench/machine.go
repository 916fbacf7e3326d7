package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine of the measurements.
type Machine struct {
	System    string `json:"system"` // linux/amd64
	Kernel    string `json:"kernel,omitempty"`
	Processor string `json:"processor,omitempty"`
	Cores     int    `json:"cores"`
	Memory    string `json:"memory,omitempty"`
	Go        string `json:"go"`
}

// thisMachine describes this machine: on Linux from /proc, elsewhere only the number of processors.
func thisMachine() Machine {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	kernel, _, _ := strings.Cut(strings.TrimSpace(string(text)), "-") // without the name of the build
	m := Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernel,
		Processor: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Go: runtime.Version(),
	}
	var kibibytes int64
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%d kB", &kibibytes); err == nil {
		m.Memory = fmt.Sprintf("%.0f GB", float64(kibibytes)/(1<<20))
	}
	return m
}

// field returns the value of the first line "name: value" of a file.
func field(file, name string) string {
	text, err := os.ReadFile(file) //nolint:gosec // one of two files of /proc
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (m Machine) String() string {
	parts := []string{m.System, m.Processor, fmt.Sprintf("%d cores", m.Cores), m.Memory, "kernel " + m.Kernel, m.Go}
	var known []string
	for _, part := range parts {
		if part != "" && part != "kernel " {
			known = append(known, part)
		}
	}
	return strings.Join(known, ", ")
}
