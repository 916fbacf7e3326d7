package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

func (a *app) verifyCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "verify --profile NAME | --schema NAME [flags]",
		Short: "Count and check what up has done",
		Long: `verify counts the rows of each table, the rows without a uuid, duplicates and
values of another version, and checks default, index, NOT NULL and the
function. In each linked reference it compares both columns of every row. It
changes nothing. If something differs, the exit code is 6.`,
		Example: `  rekey verify --profile phoenixkit --prefix public
  rekey verify --profile phoenixkit --json
  rekey verify --schema app`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := f.job(cmd)
			if err != nil {
				return err
			}
			if f.many() {
				return a.readMany(cmd, f, j, func(ctx context.Context, pool *pgxpool.Pool, _ member, j job) (line, error) {
					report, err := a.library.verify(ctx, pool, j)
					if report.FormatVersion == 0 {
						return line{}, err
					}
					return line{text: screen.ReportLine(report), value: report, tables: len(report.Tables)}, err
				})
			}
			return a.read(cmd.Context(), j, f, a.verify)
		},
	}
	f.common(cmd)
	f.schemaRun.register(cmd, &f.file)
	f.fleetReport(cmd)
	f.phase.registerEdges(cmd)
	f.cluster(cmd)
	return cmd
}

func (a *app) verify(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
	report, err := a.library.verify(ctx, pool, j)
	if err != nil && !errors.Is(err, problem.ErrDiffers) {
		return err
	}
	var failed error
	switch {
	case f.json:
		failed = a.document(report)
	case !f.quiet:
		_, failed = fmt.Fprint(a.Stdout, screen.Report(report, a.width(a.out)))
	}
	switch {
	case failed != nil:
		return failed
	case err != nil && f.json:
		return reportedError{err}
	case err != nil && !f.quiet:
		return withoutDetail(err)
	}
	return err
}

// withoutDetail removes the detail of a problem, which repeats the printed report.
func withoutDetail(err error) error {
	var one *problem.Problem
	if !errors.As(err, &one) {
		return err
	}
	short := *one
	short.Detail = ""
	return &short
}
