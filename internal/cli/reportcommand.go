package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/report"
	"github.com/rekey-pg/rekey/internal/visible"
)

// reportFlags are the flags that only report has.
type reportFlags struct {
	run            int64
	output, format string
	verify         bool
}

func (a *app) reportCommand() *cobra.Command {
	f, r := &flags{}, &reportFlags{}
	cmd := &cobra.Command{
		Use:   "report --profile NAME | --schema NAME [flags]",
		Short: "Write a report of a run",
		Long: `report writes what a run did: its options, the server, a timeline of tables and
locks, the impact on the application, forecast and actual, and the proof. The
file is HTML without scripts that opens offline, Markdown or JSON, by the end of
its name. It changes nothing in the database. Without --output it writes
Markdown to standard output.`,
		Example: `  rekey report --schema app --output run.html
  rekey report --schema app --run 7 --verify --output run.html
  rekey report --schema app --format json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.writeRun(cmd, f, r) },
	}
	f.common(cmd)
	f.schemaRun.oneSchema(cmd, &f.file)
	f.phase.registerEdges(cmd)
	set := cmd.Flags()
	set.Int64Var(&r.run, "run", 0, "number of the run; the last one if it is missing")
	set.BoolVar(&r.verify, "verify", false, "verify the tables now, for the report")
	set.StringVarP(&r.output, "output", "o", "", "file of the report: .html, .md or .json")
	set.StringVar(&r.format, "format", "", "format on standard output, or of a file: html, md, json")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(report.Formats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// writeRun writes the report of one run.
func (a *app) writeRun(cmd *cobra.Command, f *flags, r *reportFlags) error {
	f.formats = report.Formats()
	j, err := f.job(cmd)
	if err != nil {
		return err
	}
	format := report.Format(r.format)
	if f.json {
		format = report.FormatJSON
	}
	var file *reportFile
	if r.output != "" {
		if file, err = newReportFile("--output", r.output, format); err != nil {
			return err
		}
	} else if format == "" {
		format = report.FormatMarkdown
	}
	return a.read(cmd.Context(), j, f, func(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
		d, err := a.documentOf(ctx, pool, j, r)
		if err != nil {
			return err
		}
		if file == nil {
			text, err := report.Text(d, format)
			if err == nil {
				_, err = fmt.Fprint(a.exact, text)
			}
			return err
		}
		if failed := file.write(d); failed != nil {
			return failed
		}
		if !f.quiet {
			fmt.Fprintln(a.Stderr, "report: "+visible.Path(r.output))
		}
		return nil
	})
}

// documentOf returns the report of a recorded run.
func (a *app) documentOf(ctx context.Context, pool *pgxpool.Pool, j job, r *reportFlags) (report.Document, error) {
	found, err := a.library.recorded(ctx, pool, j, r.run)
	if err != nil {
		return report.Document{}, err
	}
	if r.verify {
		e, ok := a.verified(ctx, pool, j)
		if !ok {
			return report.Document{}, ctx.Err()
		}
		found.events.Add(history.Entry{At: time.Now(), Event: e})
	}
	d := found.document()
	d.Run.Problems, d.Run.Skipped = a.hints.complete(d.Run.Problems), a.hints.complete(d.Run.Skipped)
	return d, nil
}
