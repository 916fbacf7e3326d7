package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

func (a *app) planCommand() *cobra.Command {
	f, view := &flags{}, planView{}
	legal := []string{"40", "39"}
	cmd := &cobra.Command{
		Use:   "plan [TABLE...] --profile NAME | --schema NAME [flags]",
		Short: "Show what would happen; changes nothing",
		Long: `plan shows what up (or, with --version 39 or --down, down) would do to each
table and, with --to linked, to each foreign key. With --sql or tables it prints
each statement, its lock and what it reads. Refusals end it with exit code 4.`,
		Example: `  rekey plan --profile phoenixkit --prefix public --version 40
  rekey plan --schema app --to linked --sql`,
		Args: tableNames,
		RunE: func(cmd *cobra.Command, tables []string) error {
			j, err := f.job(cmd, legal...)
			if err != nil {
				return err
			}
			if p := view.checkFormat(f, tables); p != nil {
				return p
			}
			view.tables, view.next = tables, screen.Next{Run: nextRun(cmd, j.direction), SQL: repeated(cmd, "rekey plan", "exit-code") + " --sql"}
			switch {
			case f.many() && (view.sql || len(tables) > 0 || view.graph()):
				return wrong("one_schema", "statements and graphs are printed for one schema, not for a pattern or --targets", "Name one schema, or omit --sql, --format and the tables.")
			case f.many():
				return a.planMany(cmd, f, j)
			}
			return a.read(cmd.Context(), j, f, func(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
				return a.plan(ctx, pool, j, f, view)
			})
		},
	}
	f.common(cmd)
	f.schemaRun.register(cmd, &f.file)
	f.fleetReport(cmd)
	f.both(cmd, "plan")
	f.policy(cmd, legal...)
	f.forecast.registerCalibrate(cmd)
	cmd.Flags().BoolVar(&view.sql, "sql", false, "print every statement with its lock")
	f.formats = screen.GraphFormats()
	cmd.Flags().StringVar(&view.format, "format", "text", "text, or a graph: dot or mermaid")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(f.formats, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&f.exitCode, "exit-code", false, "exit code 3 if there is something to do")
	return cmd
}

// planView says how a plan is printed.
type planView struct {
	sql    bool
	format string   // text, or a graph of the references
	tables []string // print the statements of these only
	next   screen.Next
}

func (v planView) graph() bool { return v.format != "text" }

// hasReferences reports whether a plan to the phase of --to lists the references.
func (f *flags) hasReferences() bool {
	to := rekey.Phase(f.phase.to)
	return slices.Contains([]rekey.Phase{rekey.Linked, rekey.Switched, rekey.Contracted}, to) || to == rekey.Expanded && f.schemaRun.down
}

// checkFormat refuses a graph of a phase without references, and together with another output.
func (v planView) checkFormat(f *flags, tables []string) error {
	switch {
	case !v.graph():
		return nil
	case !f.hasReferences():
		return wrong("format_without_phase", "--format "+v.format+" requires --to linked or a later phase, or --down --to expanded", "Add: --to "+string(rekey.Linked))
	case v.sql || f.json || len(tables) > 0:
		return wrong("format_without_graph", "--format "+v.format+" cannot be combined with --sql, --json or tables", "Omit one of them.")
	}
	return nil
}

// text returns the plan as text.
func (v planView) text(doc rekey.Plan, width int) (string, error) {
	if v.graph() {
		return screen.Graph(doc, v.format), nil
	}
	if !v.sql && len(v.tables) == 0 {
		return screen.Plan(doc, v.next, width), nil
	}
	var names []string
	for _, g := range doc.Groups {
		if g.State != "" {
			names = append(names, g.Table)
		}
	}
	for _, table := range v.tables {
		if !slices.Contains(names, table) {
			hint := "See the tables: rekey plan"
			if near := message.Nearest(table, names); near != "" {
				hint = "Did you mean: " + near
			}
			return "", wrong("unknown_table", "the plan has no table "+visible.Quote(table), hint)
		}
	}
	return screen.Statements(doc, v.tables, width), nil
}

// nextRun returns the command that carries out the plan, without some flags.
func nextRun(cmd *cobra.Command, direction rekey.Direction, without ...string) string {
	command := repeated(cmd, "rekey "+string(direction), append(without, "down", "exit-code", "version")...)
	if to := cmd.Flag("to"); direction == rekey.Up && to.Value.String() == string(rekey.Contracted) {
		command += " --confirm " + visible.Word(cmd.Flag("schema").Value.String())
	}
	return command
}

// repeated returns the command with the flags of this call, except those about output and connections, whose values may
// be secret, and those left out.
func repeated(cmd *cobra.Command, command string, without ...string) string {
	without = append(without, "json", "quiet", "no-color", "sql", "calibrate", "format", "report", "database-url", "direct-url", "standby-url", "node-url")
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if slices.Contains(without, flag.Name) {
			return
		}
		command += " --" + flag.Name
		if flag.Value.Type() == "bool" {
			return
		}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			words := []string{strings.Join(list.GetSlice(), ",")}
			if flag.Value.Type() == "stringArray" { // a value may have a comma
				words = list.GetSlice()
			}
			for i, word := range words {
				words[i] = visible.Word(word)
			}
			command += " " + strings.Join(words, " --"+flag.Name+" ")
			return
		}
		command += " " + visible.Word(flag.Value.String())
	})
	return command
}

func (a *app) plan(ctx context.Context, pool *pgxpool.Pool, j job, f *flags, view planView) error {
	doc, err := a.library.plan(ctx, pool, j)
	if err != nil {
		return err
	}
	doc.Refusals, doc.Skipped = a.hints.complete(doc.Refusals), a.hints.complete(doc.Skipped)
	for i, note := range doc.Notes {
		doc.Notes[i] = a.hints.text(note)
	}
	switch {
	case f.json:
		err = a.document(doc)
	case len(doc.Groups) == 0 && len(doc.Refusals) > 0:
		return doc.Refusals // without a schema or a version there is nothing else to print
	case !f.quiet:
		var text string
		if text, err = view.text(doc, a.width(a.out)); err == nil {
			_, err = fmt.Fprint(a.Stdout, text)
		}
	}
	switch {
	case err != nil:
		return err
	case len(doc.Refusals) > 0:
		return a.refused("rekey "+string(doc.Command), doc.Refusals, f)
	case f.exitCode && !doc.NothingToDo:
		return errPending
	}
	return nil
}

// refused ends a command whose document lists refusals. If the document was printed, it does not repeat them.
func (a *app) refused(what string, list problem.List, f *flags) error {
	switch {
	case f.json:
		return reportedError{list}
	case f.quiet:
		return list
	default:
		return message.PlanRefused(what, len(list))
	}
}

type reading func(context.Context, *pgxpool.Pool, job, *flags) error

// read runs a command that changes nothing. A signal cancels it at once.
func (a *app) read(ctx context.Context, j job, f *flags, command reading) error {
	stopping := a.watch(ctx, false, func(string) {})
	defer stopping.end()
	pools, err := a.connect(stopping.hard, f)
	if err != nil {
		return a.interrupted(err)
	}
	defer pools.close()
	j.options.Direct, j.options.Standbys = pools.direct, pools.standbys
	j.options.Cluster.Nodes = pools.nodes
	return a.interrupted(command(stopping.hard, pools.main, j, f))
}
