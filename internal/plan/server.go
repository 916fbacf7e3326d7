package plan

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// CheckServer refuses a server that rekey cannot work on. With readOnly it refuses only a server that rekey cannot read.
func CheckServer(s catalog.Server, readOnly bool) *problem.Problem {
	switch {
	case s.Flavor != "":
		return message.UnsupportedServer(s.Flavor)
	case s.Version < 130000:
		return message.ServerTooOld(s.VersionText)
	case checkCluster(s, readOnly) != nil:
		return checkCluster(s, readOnly)
	case readOnly:
		return nil
	case s.Version >= 140000 && s.Version < 140004:
		return message.ServerDefect(s.VersionText)
	case s.Standby:
		return message.ServerIsStandby()
	case s.ReadOnly:
		return message.ServerIsReadOnly()
	default:
		return nil
	}
}
