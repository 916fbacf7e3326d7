package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// many reports whether the command is about several schemas: by a pattern, or by a file of targets.
func (f *flags) many() bool { return f.isPattern() || f.schemaRun.targets != "" }

// isPattern reports whether --schema or --prefix is a pattern that may match several schemas.
func (f *flags) isPattern() bool {
	_, one := rekey.ExactName(f.pattern())
	return !one
}

// pattern returns the value of --schema or --prefix.
func (f *flags) pattern() string {
	if f.schema != "" {
		return f.schema
	}
	return f.prefix
}

// name returns the name of the schema, or the pattern.
func (f *flags) name() string {
	if name, one := rekey.ExactName(f.pattern()); one {
		return name
	}
	return f.pattern()
}

func (f *flags) checkFleet(cmd *cobra.Command) *problem.Problem {
	if !f.many() {
		for _, word := range []string{"parallel", "canary", "on-error", "max-failures"} {
			if cmd.Flags().Changed(word) {
				return wrong("one_schema", "--"+word+" requires a pattern of schemas, or --targets", "Try: --schema 'tenant_*'")
			}
		}
		if f.report != "" && slices.Contains([]string{"plan", "status", "verify"}, cmd.Name()) {
			return wrong("one_schema", "--report of "+cmd.CommandPath()+" requires a pattern of schemas, or --targets", "Report a run in one schema: rekey report --verify --output run.html")
		}
		return f.checkGroup(cmd)
	}
	if f.page.address != "" {
		return message.OnePage()
	}
	if cmd.Flags().Lookup("parallel") == nil {
		return wrong("one_schema", cmd.CommandPath()+" accepts a single schema, not a pattern", `In a name, \* matches a star and \? a question mark. Try: --schema public`)
	}
	if f.schemaRun.targets == "" {
		return f.checkGroup(cmd)
	}
	if f.isPattern() {
		return message.PatternWithTargets()
	}
	for _, word := range []string{"database-url", "direct-url", "standby-url", "node-url"} {
		if cmd.Flags().Changed(word) {
			return message.TargetsConflict("--" + word)
		}
	}
	return nil
}

// checkGroup refuses --group without --targets.
func (f *flags) checkGroup(cmd *cobra.Command) *problem.Problem {
	if !cmd.Flags().Changed("group") {
		return nil
	}
	return wrong("one_schema", "--group requires --targets", "Name the file that lists the databases: --targets targets.yaml")
}

// member is a schema or a target of a command on many.
type member struct {
	name   string // it is unique
	group  string
	schema string
	target *target // nil: a schema that matches a pattern
}

// label returns the name in lines.
func (m member) label() string {
	if m.group != "" {
		return m.group + "/" + m.name
	}
	return m.name
}

// members are the schemas or targets of a command, in the order in which they begin.
type members struct {
	all     []member
	targets bool
	without []string // schemas that match without the profile's tables
	// with calls a command on one of them with its pool.
	with  func(context.Context, member, job, schemaCommand) (line, error)
	close func()
}

// one is the name of a member in messages.
func (all members) one() string {
	if all.targets {
		return "target"
	}
	return "schema"
}

// named returns the members by name.
func (all members) named() map[string]member {
	byName := map[string]member{}
	for _, m := range all.all {
		byName[m.name] = m
	}
	return byName
}

func (f *flags) fleet(all members) rekey.Fleet {
	named := all.named()
	fleet := rekey.Fleet{
		Parallel: f.schemaRun.parallel, Canary: f.schemaRun.canary, MaxFailures: f.schemaRun.maxFailures,
		Group: func(name string) string { return named[name].group }, OwnPools: all.targets,
	}
	for _, m := range all.all {
		fleet.Schemas = append(fleet.Schemas, m.name)
	}
	if f.schemaRun.onError == "stop" {
		fleet.MaxFailures = 1
	}
	return fleet
}

// line is the output of a command about one schema.
type line struct {
	text     string
	value    any
	tables   int
	rows     int64
	kind     event.Kind      // the kind of a plan
	elapsed  time.Duration   // of the command
	verified *event.Verified // for the report; nil if the tables were not verified
}

// schemaCommand is a command on one schema.
type schemaCommand func(context.Context, *pgxpool.Pool, member, job) (line, error)

// manyCommand is a command on many schemas.
type manyCommand struct {
	clean  bool // a signal ends it at a clean point
	do     schemaCommand
	report *reportFile // nil without --report
}

// readMany is overMany for a command that changes nothing.
func (a *app) readMany(cmd *cobra.Command, f *flags, j job, do schemaCommand) error {
	file, err := f.manyReport()
	if err != nil {
		return err
	}
	return a.overMany(cmd, f, j, manyCommand{do: do, report: file})
}

// overMany runs a command on every schema that matches or every target, prints a line for each, and a total.
func (a *app) overMany(cmd *cobra.Command, f *flags, j job, command manyCommand) error {
	begun := time.Now()
	stopping := a.watch(cmd.Context(), command.clean, func(text string) { fmt.Fprintln(a.Stderr, text) })
	defer stopping.end()
	all, err := a.members(stopping, f, j)
	if err != nil {
		return a.interrupted(err)
	}
	defer all.close()
	j.options.Stop = stopping.soft.Done()
	c := newFleetCount(a, cmd, f, all)
	named := all.named()
	number := f.fleet(all).Each(stopping.hard, j.options.Stop, func(ctx context.Context, name string) error {
		begun := time.Now()
		shown, err := all.with(ctx, named[name], j.in(named[name].schema), command.do)
		err = a.interrupted(err)
		shown.elapsed = time.Since(begun)
		c.lines.Store(name, shown)
		return err
	}, func(name string, err error) { c.ended(named[name], err) })
	stopping.end() // it writes to standard error, as the report does
	c.sum.NotBegun, c.sum.Elapsed = len(all.all)-number, time.Since(begun)
	err = c.conclude(number)
	c.write(command.report, cmd, j, begun)
	return err
}

// members returns the schemas that match a pattern, or the targets. It connects to the server of the schemas, and to none of the
// targets.
func (a *app) members(s stopping, f *flags, j job) (members, error) {
	if f.schemaRun.targets != "" {
		return a.targets(s, f)
	}
	f.connection.maxConnections = int32(3*f.schemaRun.parallel + 1)
	pools, err := a.connect(s.hard, f)
	if err != nil {
		return members{}, err
	}
	schemas, without, err := a.match(s.hard, pools.main, f, j)
	if err != nil {
		pools.close()
		return members{}, err
	}
	all := members{without: without, close: pools.close}
	for _, schema := range schemas {
		all.all = append(all.all, member{name: schema, schema: schema})
	}
	all.with = func(ctx context.Context, m member, j job, do schemaCommand) (line, error) {
		j.options.Direct, j.options.Standbys, j.options.Cluster.Nodes = pools.direct, pools.standbys, pools.nodes
		return do(ctx, pools.main, m, j)
	}
	return all, nil
}

// targets returns the targets of the file. Each has a pool of its own, which is open while its command runs.
func (a *app) targets(s stopping, f *flags) (members, error) {
	list, err := f.readTargets(a.Getenv)
	if err != nil {
		return members{}, err
	}
	a.hints = f.hints
	all := members{targets: true, close: func() {}}
	for i := range list {
		t := &list[i]
		all.all = append(all.all, member{name: t.name, group: t.group, schema: t.schema, target: t})
	}
	all.with = func(ctx context.Context, m member, j job, do schemaCommand) (line, error) {
		pool, err := a.library.connect(s.soft, m.target.main) // a signal ends the attempt to connect
		if err != nil {
			return line{}, err
		}
		defer closePools(pool)
		if m.target.direct.url != "" {
			if j.options.Direct, err = a.library.connect(s.soft, m.target.direct); err != nil {
				return line{}, err
			}
			defer closePools(j.options.Direct)
		}
		return do(ctx, pool, m, j)
	}
	return all, nil
}

// match returns the schemas that match, and those that match without the profile's tables.
func (a *app) match(ctx context.Context, pool *pgxpool.Pool, f *flags, j job) (found, without []string, err error) {
	if f.schema == "" {
		return a.library.prefixes(ctx, pool, *j.profile, f.prefix)
	}
	found, err = a.library.schemas(ctx, pool, f.schema)
	return found, nil, err
}

// hintsFor returns the hints of a command on one of many.
func (a *app) hintsFor(f *flags, m member) hints {
	if m.target != nil {
		return a.hints.ofTarget(f.name(), m.schema)
	}
	return a.hints.oneOf(f.name(), m.schema)
}
