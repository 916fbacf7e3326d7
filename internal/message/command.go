package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// FileExists returns the problem of a file that rekey would have to overwrite.
func FileExists(path string) *problem.Problem {
	return usage("file_exists", fmt.Sprintf("file %s already exists", path), "Nothing was written.", "Move the file, or choose another path with --output.")
}

// FileNotWritten returns the problem of a file that could not be created.
func FileNotWritten(path, reason string) *problem.Problem {
	return usage("no_file", fmt.Sprintf("could not write file %s", path), "The system reported: "+reason+".", "Name a file in a writable directory with --output.")
}

// NoOutput returns the problem of a script of several files without a directory for them.
func NoOutput() *problem.Problem {
	return usage("no_output", "--format golang-migrate requires --output", "", "Name a directory for the files: --output migrations")
}

// ShellRequired returns the problem of a call of rekey completion without a shell.
func ShellRequired(shells []string) *problem.Problem {
	return usage("shell_required", "completion requires the name of a shell", "", "Try: rekey completion "+strings.Join(shells, "|"))
}

// UnknownShell returns the problem of a shell that has no completion. Near is a similar name, or "".
func UnknownShell(shell, near string, shells []string) *problem.Problem {
	hint := "The shells are " + strings.Join(shells, ", ") + "."
	if near != "" {
		hint = "Did you mean: rekey completion " + near
	}
	return usage("unknown_shell", "unknown shell "+shell, "", hint)
}
