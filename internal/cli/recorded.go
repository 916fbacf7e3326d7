package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/report"
)

// recorded is what the journal knows of a run.
type recorded struct {
	run    report.Record
	events report.Builder
}

// document returns the report of the run.
func (r recorded) document() report.Document {
	return r.events.Build(report.Input{Made: time.Now(), MadeBy: build().Version, Record: &r.run})
}

// readRun reads a run of a schema from the journal, the last one for 0. It returns a problem if there is none.
func readRun(ctx context.Context, pool *pgxpool.Pool, j job, number int64) (recorded, error) {
	trusts := j.options.Permissions.TrustOwners
	runs, err := journal.Runs(ctx, pool, j.schema.Name, trusts...)
	if err != nil {
		return recorded{}, err
	}
	if len(runs) == 0 {
		return recorded{}, message.NoRuns(j.schema.Name)
	}
	one := runs[0]
	var known []string
	for _, r := range runs {
		known = append(known, strconv.FormatInt(r.ID, 10))
		if r.ID == number {
			one = r
		}
	}
	if number != 0 && one.ID != number {
		return recorded{}, message.NoSuchRun(j.schema.Name, number, known[:min(len(known), 10)])
	}
	found := recorded{run: report.Record{
		Run: one.ID, Command: one.Command, Schema: one.Schema, Phase: one.Phase, Program: one.Program,
		Started: one.Started, Ended: one.Ended, Outcome: one.Outcome, Detail: one.Detail, Rows: one.Rows,
	}}
	if one.ID == runs[0].ID && one.Ended.IsZero() {
		lease, err := journal.ActiveRun(ctx, pool, j.schema.Name, trusts...)
		if err != nil {
			return recorded{}, err
		}
		found.run.Live = lease != nil
	}
	entries, err := journal.LoadEvents(ctx, pool, one.ID, 0, trusts...)
	for _, e := range entries {
		found.events.Add(e)
	}
	return found, err
}
