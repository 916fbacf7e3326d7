package cli

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/screen"
)

func (a *app) statusCommand() *cobra.Command {
	f := &flags{}
	var watch bool
	cmd := &cobra.Command{
		Use:   "status --profile NAME | --schema NAME [flags]",
		Short: "Show the version, and the state of tables and references",
		Long: `status shows the recorded version, the active run, the state of each table
(pending, incomplete, complete or absent), and the state of each reference that
rekey up --to linked has begun. It changes nothing and counts no rows: the
numbers are PostgreSQL's estimates. Of an active run it shows what the run's own
terminal shows. --watch keeps that up to date until the run ends: on a terminal
as a picture, else as lines, with --json as one document a line for each change,
with --quiet without output. Its exit code is 0 however the run ends.`,
		Example: `  rekey status --profile phoenixkit --prefix public
  rekey status --profile phoenixkit --json
  rekey status --schema app --watch
  rekey status --schema app --watch --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := f.job(cmd)
			if err != nil {
				return err
			}
			if f.many() && watch {
				return message.WatchOfMany()
			}
			if f.many() {
				return a.readMany(cmd, f, j, func(ctx context.Context, pool *pgxpool.Pool, _ member, j job) (line, error) {
					status, err := a.library.status(ctx, pool, j)
					if err != nil {
						return line{}, err
					}
					return line{text: screen.StatusLine(status), value: status, tables: len(status.Tables)}, nil
				})
			}
			if watch {
				return a.read(cmd.Context(), j, f, a.watchStatus)
			}
			return a.read(cmd.Context(), j, f, a.status)
		},
	}
	f.common(cmd)
	f.schemaRun.register(cmd, &f.file)
	f.fleetReport(cmd)
	f.phase.registerEdges(cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "show the active run until it ends")
	return cmd
}

func (a *app) status(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
	status, err := a.library.status(ctx, pool, j)
	if err != nil {
		return err
	}
	status.Refusals = a.hints.complete(status.Refusals)
	switch {
	case f.json:
		err = a.document(status)
	case len(status.Tables) == 0 && len(status.Refusals) > 0:
		return status.Refusals // without a schema or a version there is nothing else to print
	case !f.quiet:
		text := screen.Status(status, a.width(a.out))
		if next := screen.NextPhase(status); next != "" {
			text += "Next: " + a.hints.text(next) + "\n"
		}
		_, err = fmt.Fprint(a.Stdout, text)
	}
	if err == nil && len(status.Refusals) > 0 {
		return a.refused("a run", status.Refusals, f)
	}
	return err
}
