//go:build unix

package server

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is the operating system's user that servers run as. PostgreSQL refuses to run as root.
type account struct {
	name     string
	uid, gid int
	other    bool // another user than this program's
}

// serverAccount returns the user of this program. If that is root, it returns the user with the given name or number;
// by default Debian's postgres, or nobody. The user must be in the system's list of users, because initdb looks it up.
func serverAccount(name string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	if name != "" {
		return findAccount(name)
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := findAccount(name); err == nil {
			return found, nil
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and neither user postgres nor user nobody exists")
}

func findAccount(name string) (account, error) {
	found, err := user.Lookup(name)
	if err != nil {
		found, err = user.LookupId(name)
	}
	if err != nil {
		return account{}, fmt.Errorf("user to run PostgreSQL as: %w", err)
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return account{}, err
	}
	if uid == 0 {
		return account{}, fmt.Errorf("PostgreSQL does not run as root: %s is root", name)
	}
	return account{name: found.Username, uid: uid, gid: gid, other: true}, nil
}

// apply makes a command run as the account.
func (a account) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if a.other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

// as returns a phrase for error texts, " as user NAME", or "" if servers run as the user of this program.
func (a account) as() string {
	if !a.other {
		return ""
	}
	return " as user " + a.name
}

// chown gives a file or directory below root to the account.
func (a account) chown(root *os.Root, name string) error {
	if !a.other {
		return nil
	}
	return root.Lchown(name, a.uid, a.gid)
}

// userCache returns the directory for caches. For root it is one that other users can read.
func userCache() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache", nil
	}
	return os.UserCacheDir()
}

// scratch returns the directory in which servers' directories are made. It is short enough for the path of a socket;
// for root it is one in which the account can remove its own files.
func scratch() string {
	dir := os.TempDir()
	if len(dir) > maxSocketDir {
		return "/tmp"
	}
	if os.Geteuid() != 0 {
		return dir
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode()&os.ModeSticky == 0 || info.Mode()&0o007 != 0o007 {
		return "/tmp"
	}
	return dir
}

// maxSocketDir is the longest directory in which a server's directory and the name of its socket fit into the 103
// bytes that macOS allows for the path of a socket (Linux: 107).
const maxSocketDir = 64
