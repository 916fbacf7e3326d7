package run

import (
	"context"
	"fmt"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/verify"
	"github.com/rekey-pg/rekey/problem"
)

// checkConfirmed refuses a run that drops the integers unless it was confirmed with the name of the schema.
func (j Job) checkConfirmed(p plan.Plan) error {
	if p.Goal != plan.Contracted || p.Direction != plan.Up || !p.Pending() || j.Confirm == p.SchemaName {
		return nil
	}
	return message.NotConfirmed(p.SchemaName, j.Confirm, j.Request.Policy.RenameKeys)
}

// prove compares both columns of every row of every edge that the run is to end, before the first change. The triggers keep them
// equal while it reads, and the guard of each drop checks the triggers again.
func (j Job) prove(ctx context.Context, p plan.Plan) error {
	if p.Goal != plan.Contracted || p.Direction != plan.Up {
		return nil
	}
	reports, err := verify.Edges(ctx, j.Pool, p)
	if err != nil {
		return err
	}
	var failed problem.List
	var rows int64
	for _, r := range reports {
		rows += r.Rows
		if detail := r.Faults(); detail != "" {
			failed = append(failed, message.ProofFailed(p.SchemaName+"."+r.Table+"."+r.Column, detail, "See the rows: rekey verify"))
		}
	}
	if len(failed) > 0 {
		return failed
	}
	if len(reports) == 0 {
		return nil
	}
	j.Emit.Emit(event.Notice{Text: fmt.Sprintf("proved %s: %s, 0 different, 0 orphans, 0 one-sided",
		message.Counted(len(reports), "reference", "references"), message.Counted(rows, "row", "rows"))})
	return nil
}
