package server

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// guard is a job object that ends its processes when its last handle is closed, which the system does however this
// program ends. It does not remove their directory.
type guard struct{ job windows.Handle }

func newGuard(string, account) (*guard, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("job object: %w", err)
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("job object: %w", err), windows.CloseHandle(job))
	}
	return &guard{job: job}, nil
}

func (g *guard) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(cmd.Process.Pid))
	if err == nil {
		err = errors.Join(windows.AssignProcessToJobObject(g.job, process), windows.CloseHandle(process))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("job object: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	return nil
}

func (g *guard) watch(*os.Process) error { return nil }

func (g *guard) forget() {}

func (g *guard) close() { _ = windows.CloseHandle(g.job) }

func shutDown(_ *os.Process, c *Cluster) error { return c.control("fast") }

func abort(_ *os.Process, c *Cluster) error { return c.control("immediate") }

// control sends a shutdown request with pg_ctl, because Windows has no signals.
func (c *Cluster) control(mode string) error {
	return exec.Command(filepath.Join(c.bin, program("pg_ctl")), "stop", "--no-wait", "--mode", mode, "--pgdata", c.data()).Run()
}
