package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/rehearse"
	"github.com/rekey-pg/rekey/internal/report"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

// rehearsing are the flags of a rehearsal.
type rehearsing struct {
	rows   float64
	server string
	keep   bool
}

func (a *app) rehearseCommand() *cobra.Command {
	f, own := &flags{}, &rehearsing{}
	legal := []string{"40", "39"}
	cmd := &cobra.Command{
		Use:   "rehearse --profile NAME | --schema NAME [flags]",
		Short: "Run up, verify and down on a copy, under traffic",
		Long: `rehearse copies the schema and a sample of its rows into a scratch database, and
runs up, verify and down there under made-up traffic. The source is only read.
The scratch database is on a throw-away server, from programs on this machine,
or on --server. It is dropped at the end.`,
		Example: `  rekey rehearse --schema app --rows 0.05 --to linked --report rehearsal.html
  rekey rehearse --schema app --rows 1 --server postgres://u@test/postgres`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := f.job(cmd, legal...)
			if err != nil {
				return err
			}
			if p := own.check(rekey.Phase(f.phase.to)); p != nil {
				return p
			}
			reporting, err := f.newReporting()
			if err != nil {
				return err
			}
			return a.rehearse(cmd.Context(), f, j, own, reporting)
		},
	}
	f.common(cmd)
	f.schemaRun.oneSchema(cmd, &f.file)
	f.phase.register(cmd, "expanded (default), linked, switched")
	f.phase.registerEdges(cmd)
	f.phase.registerArbiter(cmd)
	f.phase.registerAccept(cmd)
	f.changes(cmd)
	f.values.register(cmd)
	set := cmd.Flags()
	set.StringVar(&f.version, "version", legal[0], "version to record: "+strings.Join(legal, " or "))
	const share = 0.01
	set.Float64Var(&own.rows, "rows", share, "share of the rows to copy, above 0 and at most 1")
	set.StringVar(&own.server, "server", "", "server for the scratch database, by a role that is no superuser")
	set.StringVar(&f.report, "report", "", "write a report of up: to a file .html, .md or .json")
	set.BoolVar(&own.keep, "keep", false, "with --server: keep the scratch database")
	return cmd
}

// check refuses what cannot be rehearsed.
func (r rehearsing) check(to rekey.Phase) *problem.Problem {
	switch {
	case !(r.rows > 0 && r.rows <= 1):
		return wrong("bad_rows", fmt.Sprintf("--rows is %g, must be above 0 and at most 1", r.rows), "Copy a hundredth of the rows: --rows 0.01")
	case to == rekey.Contracted || to == rekey.Integers:
		return wrong("bad_rehearsal", "a rehearsal cannot go to phase "+string(to)+", from which down does not come back", "Rehearse phase switched: --to switched")
	case r.keep && r.server == "":
		return wrong("keep_without_server", "--keep requires --server: a throw-away server ends with the rehearsal", "Add the server: --server postgres://role@host:port/postgres")
	}
	return nil
}

func (a *app) rehearse(ctx context.Context, f *flags, j job, own *rehearsing, to *reporting) error {
	say := func(line string) {
		if !f.quiet {
			fmt.Fprintln(a.Stderr, "rehearse: "+line)
		}
	}
	stopping := a.watch(ctx, false, func(string) {})
	defer stopping.end()
	pools, err := a.connect(stopping.hard, f)
	if err != nil {
		return a.interrupted(err)
	}
	defer pools.close()
	result, err := rehearse.Run(stopping.hard, rehearse.Request{
		Source: pools.main, Schema: j.schema.Name, Scope: j.scope(), Options: j.options, Share: own.rows, Server: own.server, Keep: own.keep,
		Getenv: a.Getenv, Say: say,
		Connect: func(ctx context.Context, url string) (*pgxpool.Pool, error) {
			return a.library.connect(ctx, connection{url: url, source: "--server", getenv: a.Getenv})
		},
	})
	if failed := a.writeRehearsal(to, result, say); failed != nil && err == nil {
		err = failed
	}
	if a.signal.Load() != nil && errors.Is(err, context.Canceled) {
		err = message.RehearsalInterrupted(err)
	}
	return a.rehearsed(result, err, f)
}

// writeRehearsal writes the report, if one is wanted and up has begun.
func (a *app) writeRehearsal(to *reporting, result rehearse.Result, say func(string)) *problem.Problem {
	if to == nil || len(result.Entries) == 0 {
		return nil
	}
	for _, entry := range result.Entries {
		to.events.Add(entry)
	}
	in := report.Input{Made: time.Now(), MadeBy: rekey.Version()}
	if result.Verified != nil {
		in.Verification = &report.Verification{At: time.Now(), OK: result.Verified.OK, Elapsed: result.VerifiedIn, Report: result.Verified}
	}
	return to.write(a, to.events.Build(in), say)
}

// rehearsed prints the result. A rehearsal in which something differed or failed is exit code 6.
func (a *app) rehearsed(result rehearse.Result, err error, f *flags) error {
	if err != nil && len(result.Parts) == 0 {
		return err // nothing was run
	}
	var failed error
	switch {
	case f.json:
		failed = a.document(result)
	case !f.quiet:
		_, failed = fmt.Fprint(a.Stdout, screen.Rehearsal(parts(result), result.Sample(), result.Estimate(), result.LeftOut, result.Differences, a.width(a.out)))
	}
	if result.Kept && !f.json {
		fmt.Fprintln(a.Stderr, "rehearse: kept database "+result.Database)
	}
	switch err = errors.Join(err, failed); {
	case err != nil && f.json:
		return reportedError{err}
	case err != nil || result.OK:
		return err
	}
	return message.RehearsalFailed()
}

// parts returns the parts of a rehearsal for the screen.
func parts(result rehearse.Result) (list []screen.RehearsalPart) {
	for _, p := range result.Parts {
		list = append(list, screen.RehearsalPart{Name: p.Name, Elapsed: p.Elapsed, Statements: p.Statements, P99: p.P99, Longest: p.Longest, Errors: p.Errors})
	}
	return list
}
