//go:build unix

package scratch

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user that the server runs as. PostgreSQL refuses to run as root.
type account struct {
	uid, gid int
	other    bool // another user than this program's
}

func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(found.Uid)
		gid, errGID := strconv.Atoi(found.Gid)
		if errUID == nil && errGID == nil && uid != 0 {
			return account{uid: uid, gid: gid, other: true}, nil
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and neither user postgres nor user nobody exists")
}

func (a account) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

func (a account) chown(dir string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(dir, a.uid, a.gid)
}
