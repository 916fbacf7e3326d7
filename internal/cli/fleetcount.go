package cli

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/report"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// fleetCount prints a line for each schema or target when its command ends, and adds up.
type fleetCount struct {
	app   *app
	f     *flags
	all   members
	sum   event.Summary
	lines sync.Map // the output of each
	first *problem.Problem
	where string                   // the name of the first failure
	kinds map[string]int           // index in sum.Kinds by fingerprint
	rows  map[string]report.Member // of the report, by name
}

func newFleetCount(a *app, cmd *cobra.Command, f *flags, all members) *fleetCount {
	c := &fleetCount{app: a, f: f, all: all, kinds: map[string]int{}, rows: map[string]report.Member{}}
	c.sum = event.Summary{Command: cmd.Name(), Pattern: f.pattern(), Schemas: len(all.all), Skipped: all.without}
	if all.targets {
		c.sum.Targets, c.sum.Pattern = len(all.all), f.name()
	}
	return c
}

// targetName is the beginning of the JSON of a target.
type targetName struct {
	Target string `json:"target,omitempty"`
	Group  string `json:"group,omitempty"`
}

// failedSchema is the JSON of a schema or target that has no other document.
type failedSchema struct {
	targetName
	FormatVersion int          `json:"format_version"`
	OK            bool         `json:"ok"`
	Schema        string       `json:"schema"`
	Problems      problem.List `json:"problems"`
}

// ended is called once for each, one call at a time.
func (c *fleetCount) ended(m member, err error) {
	said, _ := c.lines.LoadAndDelete(m.name)
	shown, _ := said.(line)
	c.sum.Tables += shown.tables
	c.sum.Rows += shown.rows
	c.sort(shown.kind)
	var found problem.List
	if err == nil {
		c.sum.Done++
	} else {
		c.sum.Failed++
		found = c.app.hintsFor(c.f, m).complete(problem.All(err))
		if c.first == nil {
			c.first, c.where = found[0], m.label()
		}
		shown.text = screen.FailureLine(found)
	}
	c.rows[m.name] = reportMember(m, shown, found)
	switch {
	case c.f.json:
		c.app.compact(c.document(m, shown.value, found, err))
	case c.f.quiet && err == nil:
	default:
		ended := c.sum.Done + c.sum.Failed
		fmt.Fprintf(c.app.Stdout, "[%d/%d] %s: %s\n", ended, c.sum.Schemas, visible.Line(m.label()), visible.Line(shown.text))
	}
}

// document returns the JSON of one of many.
func (c *fleetCount) document(m member, value any, found problem.List, err error) any {
	name := targetName{}
	if m.target != nil {
		name = targetName{m.name, m.group}
	}
	switch v := value.(type) {
	case event.Result:
		v.Target, v.Group = name.Target, name.Group
		return v
	case rekey.Plan:
		return struct {
			targetName
			rekey.Plan
		}{name, v}
	case rekey.Status:
		return struct {
			targetName
			rekey.Status
		}{name, v}
	case rekey.Report:
		return struct {
			targetName
			rekey.Report
		}{name, v}
	}
	if c.sum.Command == "up" || c.sum.Command == "down" { // it could not connect
		return event.Result{Target: name.Target, Group: name.Group, Command: c.sum.Command, Schema: m.schema, Problems: found, Exit: c.app.exit(err)}
	}
	return failedSchema{targetName: name, FormatVersion: event.FormatVersion, Schema: m.schema, Problems: found}
}

// sort counts a plan with the other plans of its kind.
func (c *fleetCount) sort(kind event.Kind) {
	if kind.Fingerprint == "" {
		return
	}
	at, known := c.kinds[kind.Fingerprint]
	if !known {
		at = len(c.sum.Kinds)
		c.kinds[kind.Fingerprint] = at
		c.sum.Kinds = append(c.sum.Kinds, kind)
	}
	c.sum.Kinds[at].Schemas++
}

func (c *fleetCount) conclude(begun int) error {
	var err error
	if c.sum.Failed > 0 || c.sum.NotBegun > 0 {
		err = message.SchemasFailed(c.all.one(), c.sum.Failed, c.sum.Schemas, c.first, c.where, begun)
		c.sum.Problems = c.app.problems(err)
	}
	slices.SortStableFunc(c.sum.Kinds, func(a, b event.Kind) int { return cmp.Compare(b.Schemas, a.Schemas) })
	c.sum.OK, c.sum.Exit = err == nil, c.app.exit(err)
	switch {
	case c.f.json:
		screen.JSON(c.app.Stdout, c.app.Stderr).Event(c.sum)
		if err != nil {
			return reportedError{err}
		}
	case !c.f.quiet:
		fmt.Fprintln(c.app.Stdout, screen.Total(c.sum))
	}
	return err
}

// compact writes a value as one line of JSON, and an event as events are written.
func (a *app) compact(value any) {
	if e, ok := value.(event.Event); ok {
		screen.JSON(a.Stdout, a.Stderr).Event(e)
		return
	}
	_ = a.encode(value, "")
}

// reportMember returns a row of the report.
func reportMember(m member, shown line, found problem.List) report.Member {
	row := report.Member{Name: m.name, Group: m.group, Schema: m.schema, Text: shown.text, Tables: shown.tables, Rows: shown.rows, Elapsed: shown.elapsed, Problems: found}
	if m.target != nil {
		row.Database = m.target.place
	}
	result, _ := shown.value.(event.Result)
	row.Locks, row.Skipped = result.Locks, result.Skipped
	if shown.verified != nil {
		row.Verification = report.Verified(*shown.verified, time.Now())
	}
	plan, _ := shown.value.(rekey.Plan)
	if counted, verified := shown.value.(rekey.Report); verified {
		row.Verification = &report.Verification{At: time.Now().UTC(), OK: counted.OK, Elapsed: shown.elapsed, Report: &counted}
	}
	row.Outcome = report.MemberOutcome(found, result.NothingToDo || plan.NothingToDo, row.Verification)
	return row
}

// write writes the report of --report. If that fails, it says so, and the exit code stays.
func (c *fleetCount) write(file *reportFile, cmd *cobra.Command, j job, begun time.Time) {
	if file == nil {
		return
	}
	d := report.Fleet{
		Document: "rekey report", FormatVersion: event.FormatVersion, Made: time.Now().UTC(), MadeBy: build().Version,
		Call: repeated(cmd, cmd.CommandPath(), "throttle-query"), Phase: string(j.options.To), Started: begun.UTC(), Summary: c.sum,
	}
	d.Next = c.next(cmd, d.Call, j.direction)
	for _, m := range c.all.all {
		row, ended := c.rows[m.name]
		if !ended {
			row = reportMember(m, line{}, nil)
			row.Outcome = report.NotStarted
		}
		d.Members = append(d.Members, row)
	}
	switch failed := file.write(d); {
	case failed != nil:
		fmt.Fprintln(c.app.Stderr, failed.Error())
	case !c.f.quiet:
		fmt.Fprintln(c.app.Stderr, "report: "+visible.Path(file.path))
	}
}

// next says how to continue after the command.
func (c *fleetCount) next(cmd *cobra.Command, call string, direction rekey.Direction) string {
	switch one := c.all.one(); {
	case c.sum.Failed > 0:
		return fmt.Sprintf("Resolve the problem of each failed %s, then run the same command again. A %s that is complete costs a few queries. The command: %s", one, one, call)
	case c.sum.NotBegun > 0:
		return fmt.Sprintf("The command was stopped. The same command continues, and a %s that is complete costs a few queries: %s", one, call)
	case cmd.Name() == "up":
		return fmt.Sprintf("Every %s is done. To count and compare the rows at any time: %s", one, repeatedVerify(cmd))
	case cmd.Name() == "plan":
		return fmt.Sprintf("Every %s can be done: %s", one, nextRun(cmd, direction, "throttle-query"))
	default:
		return fmt.Sprintf("Every %s is done.", one)
	}
}

// repeatedVerify returns the command that verifies the same schemas or targets.
func repeatedVerify(cmd *cobra.Command) string {
	var others []string
	verify := (&app{}).verifyCommand()
	for _, name := range flagNames(cmd) {
		if verify.Flags().Lookup(name) == nil {
			others = append(others, name)
		}
	}
	return repeated(cmd, "rekey verify", others...)
}
