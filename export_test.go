package rekey

import (
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// ProgressOf is for tests of frames.
var ProgressOf = progressOf //nolint:gochecknoglobals // a function

// DocumentOf returns the document of a plan without the statements of its batches, for tests from recorded catalogues.
func DocumentOf(p plan.Plan) Plan {
	return describe(p, func(plan.Group, step.Target) plan.FillDescription { return plan.FillDescription{} })
}
