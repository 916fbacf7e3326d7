package plan

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/problem"
)

// CheckServer refuses servers on which the work cannot be done. With readOnly only those that cannot
// even be read are refused.
func CheckServer(s catalog.Server, readOnly bool) *problem.Problem {
	switch {
	case s.Flavor != "":
		return problem.OtherFlavor(s.Flavor)
	case s.Version < 130000:
		return problem.TooOld(s.VersionText)
	case readOnly:
		return nil
	case s.Version >= 140000 && s.Version < 140004:
		return problem.BrokenCIC(s.VersionText)
	case s.Standby:
		return problem.IsStandby()
	case s.ReadOnly:
		return problem.IsReadOnly()
	default:
		return nil
	}
}
