package server

import (
	"os"
	"os/exec"
)

// account is the user that servers run as: on Windows always the user of this program. PostgreSQL refuses to run with
// an administrator's privileges there.
type account struct{}

func serverAccount(string) (account, error) { return account{}, nil }

func (account) apply(*exec.Cmd) {}

func (account) as() string { return "" }

func (account) chown(*os.Root, string) error { return nil }

func userCache() (string, error) { return os.UserCacheDir() }

func scratch() string { return os.TempDir() }
