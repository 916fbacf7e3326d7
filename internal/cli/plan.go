package cli

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

func (a *app) planCommand() *cobra.Command {
	f := &flags{}
	legal := []string{"40", "39"}
	cmd := &cobra.Command{
		Use:   "plan --profile NAME | --schema NAME [flags]",
		Short: "What would happen, with the locks and the SQL; changes nothing",
		Long: `plan shows what up (or, with --version 39, down) would do to each table: its
state, and every statement with the lock it takes and what it reads. It changes
nothing. What stands in the way is named, each with a remedy, and ends the plan
with exit code 4.`,
		Example: `  rekey plan --profile phoenixkit --prefix public --version 40
  rekey plan --profile phoenixkit --prefix public --version 39
  rekey plan --profile phoenixkit --exit-code --quiet || echo $?
  rekey plan --schema app --tables 'a,b*' --exclude audit_log`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := f.job(cmd, legal...)
			if err != nil {
				return err
			}
			if f.many() {
				return a.planMany(cmd, f, j)
			}
			return a.read(cmd.Context(), j, f, a.plan)
		},
	}
	f.common(cmd)
	f.free.register(cmd, &f.file)
	f.policy(cmd, legal...)
	f.values.register(cmd)
	cmd.Flags().BoolVar(&f.free.back, "down", false, "with --schema: plan the way down")
	cmd.Flags().BoolVar(&f.exitCode, "exit-code", false, "exit code 3 if there is something to do")
	return cmd
}

func (a *app) plan(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
	doc, err := a.library.plan(ctx, pool, j)
	if err != nil {
		return err
	}
	switch {
	case f.json:
		err = a.document(doc)
	case len(doc.Groups) == 0 && len(doc.Refusals) > 0:
		return doc.Refusals // no schema, no version: there is nothing else to show
	case !f.quiet:
		_, err = fmt.Fprint(a.Stdout, screen.Plan(doc, a.width(a.out)))
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

// refused ends a command whose document names refusals: where that was written they are not told
// once more, each in full.
func (a *app) refused(what string, list problem.List, f *flags) error {
	switch {
	case f.json:
		return reported{list}
	case f.quiet:
		return list
	default:
		return screen.Refused(what, list)
	}
}

type reading func(context.Context, *pgxpool.Pool, job, *flags) error

// read runs a command that changes nothing: a signal cancels it at once.
func (a *app) read(ctx context.Context, j job, f *flags, command reading) error {
	stopping := a.watch(ctx, false, func(string) {})
	defer stopping.end()
	pools, err := a.connect(stopping.hard, f)
	if err != nil {
		return a.interrupted(err)
	}
	defer pools.close()
	j.options.Direct, j.options.Standbys = pools.direct, pools.standbys
	return a.interrupted(command(stopping.hard, pools.main, j, f))
}
