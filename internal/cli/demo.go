package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/demo"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/problem"
)

func (a *app) demoCommand() *cobra.Command {
	options, keep, asJSON, noColor := demo.Defaults(), false, false, false
	cmd := &cobra.Command{
		Use:   "demo [flags]",
		Short: "All of it on a throw-away database, under live traffic",
		Long: `demo starts a throw-away PostgreSQL, builds a PhoenixKit database of version 39
with made-up rows, lets an application read and write its tables, and runs up,
verify and down meanwhile. Then it tells what happened, and whether it is ok:
no statement failed, none waited longer than --max-wait, no row was lost or
changed, and the catalogue is PhoenixKit's own, after up and after down.
Exit code 1 if it is not. Your own databases are not touched.

PostgreSQL 13 or later is found by REKEY_PG_BIN, PATH and the usual places;
where there is none, npm fetches one into a cache. It runs without fsync.`,
		Example: `  rekey demo
  rekey demo --rows 2000000 --pg-version 13
  rekey demo --keep            # then look around with psql, until Ctrl-C
  rekey demo --json | tail -1`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkDemo(options); err != nil {
				return err
			}
			return a.demo(cmd.Context(), options, keep, asJSON)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.IntVar(&options.Rows, "rows", options.Rows, "`number` of email events")
	set.IntVar(&options.Users, "users", options.Users, "`number` of users")
	set.IntVar(&options.Major, "pg-version", 0, "major `version` of PostgreSQL, 13 to 18; else the newest that is there")
	set.IntVar(&options.Rate, "rate", options.Rate, "statements of the application a second, a `number`")
	set.DurationVar(&options.MaxWait, "max-wait", options.MaxWait, "longest wait of a statement that is ok")
	set.BoolVar(&keep, "keep", false, "keep the database until Ctrl-C")
	set.BoolVar(&asJSON, "json", false, "write events as JSON, one a line, to standard output")
	set.BoolVar(&noColor, "no-color", false, "plain lines, no colours and no bars")
	return cmd
}

func checkDemo(o demo.Options) error {
	const most = 1_000_000_000
	var found problem.List
	for _, number := range []struct {
		flag  string
		value int
		most  int
	}{{"rows", o.Rows, most}, {"users", o.Users, most}, {"rate", o.Rate, 100_000}} {
		if number.value < 1 || number.value > number.most {
			found = append(found, wrong("flag_value", fmt.Sprintf("--%s cannot be %d", number.flag, number.value),
				fmt.Sprintf("It goes from 1 to %d.", number.most)))
		}
	}
	if o.Major != 0 && (o.Major < server.Oldest || o.Major > server.Newest) {
		found = append(found, wrong("flag_value", fmt.Sprintf("--pg-version cannot be %d", o.Major),
			fmt.Sprintf("It goes from %d to %d.", server.Oldest, server.Newest)))
	}
	if o.MaxWait <= 0 {
		found = append(found, wrong("flag_value", fmt.Sprintf("--max-wait cannot be %s", o.MaxWait), "Write a duration with its unit: 500ms, 1s."))
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

func (a *app) demo(ctx context.Context, options demo.Options, keep, asJSON bool) error {
	show := demo.JSON(a.exact)
	if !asJSON {
		show = demo.Text(a.exact, a.err, demo.Look{
			Width: a.width(a.err), Lively: a.lively(a.err), Bold: a.lively(a.out),
		})
	}
	stopping := a.watch(ctx, false, func(string) {})
	defer stopping.end()
	d := demo.New(options, show.Event)
	result, err := d.Run(stopping.hard)
	complete := err == nil
	if complete {
		err = result.Problem()
	}
	if err != nil {
		result.Problems = problem.All(err)
	}
	result.Exit = a.exit(err)
	if keep && stopping.hard.Err() == nil {
		result.URL = d.URL()
	}
	if asJSON || complete {
		show.Event(result)
	}
	show.Close()
	if err != nil && asJSON {
		err = reported{err}
	}
	if result.URL != "" {
		err = a.keep(stopping.hard, result.URL, err)
	}
	return errors.Join(err, d.Close())
}

// keep lets the database be until a signal comes.
func (a *app) keep(ctx context.Context, url string, err error) error {
	a.report(err)
	if !a.wantsJSON() {
		fmt.Fprintf(a.Stdout, "\nThe database is there until Ctrl-C:\n  psql %q\n", url)
	}
	<-ctx.Done()
	return reported{&problem.Problem{Kind: problem.Interrupted, Code: "interrupted", Message: "interrupted", Cause: err}}
}
