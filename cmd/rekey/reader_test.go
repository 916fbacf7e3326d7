package main

import (
	"os"
	"os/exec"
	"testing"
)

// TestReaderGone: a command whose reader closed the pipe ends normally and not by SIGPIPE, which would interrupt a run
// and leave its lease.
func TestReaderGone(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args, cmd.Stdout = []string{"rekey", "profile", "list"}, writer
	_ = cmd.Run() // it ends with 1, since its output was lost
	if !cmd.ProcessState.Exited() || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %s", cmd.ProcessState)
	}
}
