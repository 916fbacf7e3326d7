package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/demo"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/problem"
)

// flags are the flags of rekey-demo.
type flags struct {
	demo         demo.Options
	keep         bool
	json, static bool
}

func command(p *cli.Program) *cobra.Command {
	f := flags{demo: demo.Defaults()}
	cmd := &cobra.Command{
		Use:   "rekey-demo [flags]",
		Short: "All of rekey on a throw-away database, under live traffic",
		Long: `rekey-demo starts a throw-away PostgreSQL, builds a PhoenixKit database of
version 39 with made-up rows, lets an application read and write its tables, and
runs up, verify and down at the same time. Then it reports what happened, and
whether it is ok: no statement failed, none waited longer than --max-wait, no
row was lost or changed, and the catalogue is PhoenixKit's own, after up and
after down. Exit code 1 if it is not. Your own databases are not touched.

It looks for PostgreSQL 13 or later in REKEY_PG_BIN, in PATH and in the usual
directories; if there is none, npm fetches one into a cache. The server runs
without fsync.`,
		Example: `  rekey-demo --rows 2000000 --pg-version 13
  rekey-demo --keep            # then look around with psql, until Ctrl-C
  rekey-demo --json | tail -1`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.run(cmd.Context(), p)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.IntVar(&f.demo.Rows, "rows", f.demo.Rows, "`number` of email events")
	set.IntVar(&f.demo.Users, "users", f.demo.Users, "`number` of users")
	set.IntVar(&f.demo.Major, "pg-version", 0, "major `version` of PostgreSQL, 13 to 18; without it the newest that is installed")
	set.IntVar(&f.demo.Rate, "rate", f.demo.Rate, "`number` of statements per second that the application runs")
	set.DurationVar(&f.demo.MaxWait, "max-wait", f.demo.MaxWait, "longest acceptable wait of one statement")
	set.BoolVar(&f.keep, "keep", false, "keep the database until Ctrl-C")
	set.BoolVar(&f.json, "json", false, "write events as JSON, one a line, to standard output")
	set.BoolVar(&f.static, "no-color", false, "plain lines, no colours and no bars")
	return cmd
}

func (f *flags) check() error {
	const most = 1_000_000_000
	var found problem.List
	for _, number := range []struct {
		flag  string
		value int
		most  int
	}{{"rows", f.demo.Rows, most}, {"users", f.demo.Users, most}, {"rate", f.demo.Rate, 100_000}} {
		if number.value < 1 || number.value > number.most {
			found = append(found, cli.WrongFlag(fmt.Sprintf("--%s cannot be %d", number.flag, number.value),
				fmt.Sprintf("Use a number from 1 to %d.", number.most)))
		}
	}
	if major := f.demo.Major; major != 0 && (major < server.Oldest || major > server.Newest) {
		found = append(found, cli.WrongFlag(fmt.Sprintf("--pg-version cannot be %d", major),
			fmt.Sprintf("Use a version from %d to %d.", server.Oldest, server.Newest)))
	}
	if f.demo.MaxWait <= 0 {
		found = append(found, cli.WrongFlag(fmt.Sprintf("--max-wait cannot be %s", f.demo.MaxWait), "Write a duration with its unit: 500ms, 1s."))
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// writer shows the demo's events.
func (f *flags) writer(p *cli.Program) demo.Writer {
	if f.json {
		return demo.JSON(p.Stdout())
	}
	bold, lively := p.Lively()
	return demo.Text(p.Stdout(), p.Stderr(), demo.Display{Width: p.Width(), Lively: lively, Bold: bold})
}

func (f *flags) run(ctx context.Context, p *cli.Program) error {
	show := f.writer(p)
	ctx, end := p.UntilSignal(ctx)
	defer end()
	d := demo.New(f.demo, show.Event)
	result, err := d.Run(ctx)
	complete := err == nil
	if complete {
		err = result.Problem()
	}
	if err != nil {
		result.Problems = problem.All(err)
	}
	result.Exit = p.ExitCode(err)
	if f.keep && ctx.Err() == nil {
		result.URL = d.URL()
	}
	if f.json || complete {
		show.Event(result)
	}
	show.Close()
	if f.json {
		err = cli.Reported(err)
	}
	if result.URL != "" {
		err = f.keepUntilSignal(ctx, p, result.URL, err)
	}
	return errors.Join(err, d.Close())
}

// keepUntilSignal reports the demo's end and keeps the database until a signal arrives.
func (f *flags) keepUntilSignal(ctx context.Context, p *cli.Program, url string, err error) error {
	err = p.Report(err)
	if !f.json {
		fmt.Fprintf(p.Stdout(), "\nThe database runs until Ctrl-C:\n  psql %q\n", url)
	}
	<-ctx.Done()
	return cli.Reported(&problem.Problem{Kind: problem.Interrupted, Code: "interrupted", Message: "interrupted", Cause: err})
}
