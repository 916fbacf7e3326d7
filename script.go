package rekey

import (
	"context"
	"errors"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/script"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// ScriptFormat is the program that runs a script.
type ScriptFormat string

// The formats of a script.
const (
	ScriptPsql    ScriptFormat = "psql"           // one script for psql
	ScriptMigrate ScriptFormat = "golang-migrate" // one statement in each file, for golang-migrate
	ScriptGoose   ScriptFormat = "goose"          // one file for goose
	ScriptEcto    ScriptFormat = "ecto"           // one migration module for Ecto
)

// ScriptOptions configures [Migrator.Script].
type ScriptOptions struct {
	// Direction is the way that the script goes. Default: [Up].
	Direction Direction
	// Format is the program that runs the script. Default: [ScriptPsql].
	Format ScriptFormat
	// First is the number of the first file, for migrators that run files by number. Default: 1.
	First int
	// Module is the name of the Ecto module. Default: made of the direction and the schema.
	Module string
}

// ScriptFile is one file of a script.
type ScriptFile struct {
	// Name is the name of the file, without a directory.
	Name string `json:"name"`
	// Text is its content.
	Text string `json:"text"`
}

// Script returns what Up or Down would do now as SQL, for databases on which no binary may run. It changes
// nothing. It returns no file if there is nothing to do. A script fills with the migration's time: other
// Values match [problem.ErrUsage]. Refusals of the plan are the error.
func (m *Migrator) Script(ctx context.Context, options ScriptOptions) (_ []ScriptFile, err error) {
	defer explain(ctx, "sql", &err)
	if err := m.checkScript(options); err != nil {
		return nil, err
	}
	options = options.withDefaults()
	speed, err := pace.ParseSpeed(string(m.options.Backfill.Pace))
	if err != nil {
		return nil, err
	}
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := m.checkDirection(options.Direction); err != nil {
		return nil, err
	}
	p, err := m.survey(ctx, options.Direction)
	if err != nil {
		return nil, err
	}
	if p.Unknown != nil {
		p.Refusals = append(p.Refusals, p.Unknown)
	}
	if p.Server.Cluster != nil && p.Direction == plan.Up {
		return nil, message.ScriptOnCluster()
	}
	if p.Goal.AtLeast(plan.Switched) || p.Direction == plan.Down && p.Goal == plan.Linked {
		return nil, message.SwitchNotInScript(string(p.Goal))
	}
	if len(p.Refusals) > 0 {
		return nil, p.Refusals
	}
	made, err := script.Make(p, script.Options{
		Format: script.Format(options.Format), FirstNumber: options.First, Module: options.Module, PauseFactor: 1/speed.Duty() - 1,
		LockTimeout: setting.Or("lock-timeout", m.options.Locks.Timeout), LockRetryTimeout: setting.Or("lock-retry-timeout", m.options.Locks.RetryTimeout),
		BatchTime: setting.Or("batch-time", m.options.Backfill.BatchTime),
		Filling:   func(g plan.Group, t step.Target) script.Filling { return filling(p, g, t) },
	})
	if refused, ok := errors.AsType[*script.EdgeError](err); ok {
		return nil, message.EdgeNotInScript(refused.Edge, refused.Reason, string(options.Direction), string(p.Goal), refused.Expand)
	}
	var files []ScriptFile
	for _, file := range made {
		files = append(files, ScriptFile(file))
	}
	return files, err
}

func (o ScriptOptions) withDefaults() ScriptOptions {
	if o.Direction == "" {
		o.Direction = Up
	}
	if o.Format == "" {
		o.Format = ScriptPsql
	}
	if o.First == 0 {
		o.First = 1
	}
	return o
}

func (m *Migrator) checkScript(o ScriptOptions) error {
	if o.Module != "" && !script.IsModule(o.Module) {
		return message.BadModule()
	}
	r := setting.Request{Style: setting.Fields, NoScope: true, Texts: map[string][]string{}, Numbers: map[string]int64{}}
	if o.Format != "" {
		r.Texts["format"] = []string{string(o.Format)}
	}
	if o.First != 0 {
		r.Numbers["first"] = int64(o.First)
	}
	found := setting.Check(r)
	if len(found) == 0 && !m.options.usesClock() {
		found = problem.List{message.ValuesInScript()}
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// usesClock reports whether nothing is asked of the values that a script cannot do.
func (o Options) usesClock() bool {
	v := o.values()
	return (v.Source == "" || v.Source == plan.ByClock) && o.Values.Source.kind != byCreation && len(v.Sources)+len(v.Columns)+len(v.Random) == 0 && v.Zone == ""
}

func filling(p plan.Plan, g plan.Group, t step.Target) script.Filling {
	choice := backfill.Explain(p.Server, *p.Table(g, t), t.Column)
	f := script.Filling{Region: choice.Region, Batch: int64(choice.Batch), Waves: choice.Bounds(), Reason: choice.Reason}
	f.ByTuple = choice.By == backfill.ByTuple
	if choice.By == backfill.ByKey {
		rows := max(choice.RowsPerPage, 1)
		f.Key, f.Region, f.Batch = choice.Key, int64(float64(f.Region)*rows), int64(float64(f.Batch)*rows)
	}
	if g.Edge != nil {
		f.Value, f.Pending, f.Likely = run.EdgeWriter(*g.Edge).SQL()
	}
	return f
}
