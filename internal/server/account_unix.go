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

// account is the user that servers run as. PostgreSQL refuses to run as root.
type account struct {
	name     string
	uid, gid int
	other    bool // than the user of this program
}

// serverAccount gives the user of this program or, when that is root, the one of the name or number;
// without a name Debian's postgres, else nobody. It must have an entry in the system's list of users,
// initdb asks for it.
func serverAccount(name string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	if name != "" {
		return lookUp(name)
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := lookUp(name); err == nil {
			return found, nil
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as")
}

func lookUp(name string) (account, error) {
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
		return account{}, fmt.Errorf("PostgreSQL does not run as root, nor as %s", name)
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

// as says for an error which user a command ran as, when that is another one.
func (a account) as() string {
	if !a.other {
		return ""
	}
	return " as user " + a.name
}

// own gives a file or directory below root to the account.
func (a account) own(root *os.Root, name string) error {
	if !a.other {
		return nil
	}
	return root.Lchown(name, a.uid, a.gid)
}

// userCache gives the directory under which programs cache. As root it is one that others can read.
func userCache() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache", nil
	}
	return os.UserCacheDir()
}

// scratch gives the directory for the servers' directories: short enough for a socket's name, and as
// root one in which the other user may remove its own.
func scratch() string {
	dir := os.TempDir()
	if len(dir) > socketRoom {
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

// socketRoom is the length of a directory below which ours and the socket's name fit into the 103
// bytes that macOS allows for a socket's path (Linux: 107).
const socketRoom = 64
