package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

func (a *app) doctorCommand() *cobra.Command {
	f := &flags{}
	legal := []string{"40", "39"}
	cmd := &cobra.Command{
		Use:   "doctor --profile NAME | --schema NAME [flags]",
		Short: "Show what would make a run refuse or crawl",
		Long: `doctor shows on one screen what would make a run refuse or crawl now: what the
plan refuses, an active run, a pooler, missing rights, long transactions and
locks, replication, settings, connections. It reads only, and names what the
role cannot see. Exit code 0 if a run would begin, 4 if it would be refused.`,
		Example: `  rekey doctor --schema app
  rekey doctor --schema app --to linked --json
  rekey doctor --profile phoenixkit --prefix public`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := f.job(cmd, legal...)
			if err != nil {
				return err
			}
			next := nextRun(cmd, j.direction)
			return a.read(cmd.Context(), j, f, func(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
				return a.doctor(ctx, pool, j, f, next)
			})
		},
	}
	f.common(cmd)
	f.schemaRun.oneSchema(cmd, &f.file)
	f.both(cmd, "examine")
	f.policy(cmd, legal...)
	return cmd
}

func (a *app) doctor(ctx context.Context, pool *pgxpool.Pool, j job, f *flags, next string) error {
	doc, err := a.library.diagnose(ctx, pool, j)
	if err != nil {
		return err
	}
	for i, found := range doc.Findings {
		doc.Findings[i].Hint = a.hints.text(found.Hint)
	}
	switch {
	case f.json:
		err = a.document(doc)
	case !f.quiet:
		_, err = fmt.Fprint(a.Stdout, screen.Doctor(doc, next, a.width(a.out)))
	}
	if err != nil || doc.Ready {
		return err
	}
	not := &problem.Problem{
		Kind: problem.Refused, Code: "not_ready", Message: fmt.Sprintf("rekey %s would be refused", doc.Command),
		Hint: "See the first lines of: rekey doctor " + strings.TrimSpace(f.where()),
	}
	if f.quiet && !f.json {
		return not
	}
	return reportedError{not}
}
