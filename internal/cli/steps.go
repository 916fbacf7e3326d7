package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

func (a *app) explainCommand() *cobra.Command {
	f := &flags{}
	legal := []string{"40", "39"}
	cmd := &cobra.Command{
		Use:   "explain TABLE|TABLE.COLUMN --schema NAME [flags]",
		Short: "Explain each step on a table or reference",
		Long: `explain describes each step on a table, a reference (TABLE.COLUMN) or a primary
key: whether it is done, why it is there, its locks, who waits and how long at
most, what it reads, how it is undone, what the journal keeps, and its
statements as they would run. The name of the schema means the steps that
run once for all tables. It changes nothing.`,
		Example: `  rekey explain orders --schema app
  rekey explain orders.customer_id --schema app --to linked
  rekey explain phoenix_kit_users --profile phoenixkit --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrong("no_table", "explain needs the name of a table or a reference", "Name one, such as: rekey explain orders --schema app")
			}
			if slices.ContainsFunc(args, visible.Secret) || len(args) > 1 {
				return noArguments(cmd, args[len(args)-1:])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			j, err := f.job(cmd, legal...)
			if err != nil {
				return err
			}
			return a.read(cmd.Context(), j, f, func(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
				return a.explainSteps(ctx, pool, j, f, args[0])
			})
		},
	}
	f.common(cmd)
	f.schemaRun.oneSchema(cmd, &f.file)
	f.both(cmd, "explain")
	set := cmd.Flags()
	set.StringVar(&f.version, "version", legal[0], "version to record: "+strings.Join(legal, " or "))
	f.changes(cmd)
	return cmd
}

// explained is the JSON of explain.
type explained struct {
	FormatVersion int              `json:"format_version"`
	Command       rekey.Direction  `json:"command"`
	Schema        string           `json:"schema"`
	Name          string           `json:"name"`
	Limits        explainedLimits  `json:"limits"`
	Groups        []rekey.Group    `json:"groups"`
	Relations     []rekey.Relation `json:"relations,omitempty"`
	Refusals      problem.List     `json:"refusals"`
}

// explainedLimits bound how long other sessions wait.
type explainedLimits struct {
	LockTimeout time.Duration `json:"lock_timeout_ns"`
	BatchTime   time.Duration `json:"batch_time_ns"`
}

func (a *app) explainSteps(ctx context.Context, pool *pgxpool.Pool, j job, f *flags, name string) error {
	doc, err := a.library.plan(ctx, pool, j)
	if err != nil {
		return err
	}
	doc.Refusals = a.hints.complete(doc.Refusals)
	if len(doc.Groups) == 0 && len(doc.Refusals) > 0 {
		return doc.Refusals
	}
	found := explainedParts(doc, name)
	if len(found.Groups) == 0 && len(found.Relations) == 0 {
		return unknownPart(doc, name, f.where())
	}
	limits := screen.Limits{LockTimeout: setting.Or("lock-timeout", f.lockTimeout), BatchTime: setting.Or("batch-time", f.batchTime)}
	found.Limits = explainedLimits(limits)
	switch {
	case f.json:
		return a.document(found)
	case f.quiet:
		return nil
	}
	width := a.width(a.out)
	text := screen.Explain(doc, found.Groups, limits, width)
	text += screen.Unexplained(found.Relations, width)
	if len(found.Refusals) > 0 {
		text += "\nup and down would refuse to begin:\n\n" + screen.Problems(found.Refusals, width, false)
	}
	_, err = fmt.Fprint(a.Stdout, text)
	return err
}

// explainedParts returns the groups of a plan that a name means: a table with its references and keys, a reference, the columns of
// a primary key, or the schema's own steps. A name may begin with the schema.
func explainedParts(doc rekey.Plan, name string) explained {
	found := explained{FormatVersion: doc.FormatVersion, Command: doc.Command, Schema: doc.Schema, Name: name, Groups: []rekey.Group{}, Refusals: problem.List{}}
	name = strings.TrimPrefix(name, doc.Schema+".")
	keys := map[string]bool{}
	for _, k := range doc.Keys {
		keys[k.Table] = slices.ContainsFunc(k.Columns, func(c string) bool { return k.Table+"."+c == name })
	}
	for _, g := range doc.Groups {
		schemaOwn := g.State == ""
		if schemaOwn && name == doc.Schema || !schemaOwn && (g.Table == name || g.Edge == name || g.Key != "" && keys[g.Key]) {
			found.Groups = append(found.Groups, g)
		}
	}
	if len(found.Groups) == 0 {
		for _, r := range doc.Relations {
			if r.Table == name {
				found.Relations = append(found.Relations, r)
			}
		}
	}
	for _, p := range doc.Refusals {
		if p.Table == doc.Schema+"."+name {
			found.Refusals = append(found.Refusals, p)
		}
	}
	return found
}

// unknownPart returns the problem of a name that the plan does not have.
func unknownPart(doc rekey.Plan, name, where string) error {
	var known []string
	for _, g := range doc.Groups {
		if g.State != "" {
			known = append(known, g.Table)
		}
		if g.Edge != "" {
			known = append(known, g.Edge)
		}
	}
	for _, r := range doc.Relations {
		known = append(known, r.Table)
	}
	hint := "See the tables: rekey plan"
	if near := message.Nearest(strings.TrimPrefix(name, doc.Schema+"."), known); near != "" {
		hint = "Did you mean: rekey explain " + visible.Word(near) + " " + where
	} else if strings.Contains(name, ".") && doc.To != rekey.Linked {
		hint = "References have steps in phase linked. Add: --to linked"
	}
	return wrong("unknown_table", "the plan has no table or reference "+visible.Quote(name), hint)
}
