package cli

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/problem"
)

// request is a message to the active run of another process.
type request struct {
	verb   string // pause, resume, stop or tune
	tuning rekey.Tuning
}

func (r request) send(ctx context.Context, m *rekey.Migrator) error {
	switch r.verb {
	case "pause":
		return m.Pause(ctx)
	case "resume":
		return m.Resume(ctx)
	case "stop":
		return m.Stop(ctx)
	default:
		return m.Tune(ctx, r.tuning)
	}
}

// requestCommands returns the commands that control an active run.
func (a *app) requestCommands() []*cobra.Command {
	return []*cobra.Command{
		a.requestCommand("pause", "Pause the active run",
			"pause makes the active run of a schema pause before its next batch or change. An\n"+
				"index build is finished first. The run keeps its lease and holds no lock.\n"+
				"resume continues it, stop ends it.",
			"it pauses before its next batch"),
		a.requestCommand("resume", "Continue a paused run",
			"resume continues the run of a schema that pause has paused.", "it continues"),
		a.requestCommand("stop", "End the active run cleanly",
			"stop ends the active run of a schema after its current batch, with exit code 7,\n"+
				"as Ctrl-C in its own terminal does. The same command resumes it later.",
			"it ends after its current batch"),
		a.tuneCommand(),
	}
}

func (a *app) requestCommand(verb, short, long, effect string) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use: verb + " [flags]", Short: short, Long: long,
		Example: "  rekey " + verb + " --prefix public",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.send(cmd, f, request{verb: verb}, effect)
		},
	}
	f.common(cmd)
	return cmd
}

func (a *app) tuneCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "tune [flags]",
		Short: "Change the pace of the active run",
		Long: `tune changes the pace, the limit of the impact, the batch time or the allowed
standby lag of the active run of a schema. Settings that are not named stay as
they are.`,
		Example: `  rekey tune --prefix public --pace gentle
  rekey tune --prefix public --max-impact 2
  rekey tune --prefix public --max-lag 30s --batch-time 20ms`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.send(cmd, f, request{verb: "tune", tuning: rekey.Tuning{
				Pace: rekey.Pace(f.pace), BatchTime: f.batchTime, MaxLag: f.signals.maxLag, MaxImpact: float64(f.maxImpact),
			}}, "it continues with the new settings")
		},
	}
	f.common(cmd)
	f.speed(cmd, "", "", "")
	cmd.Flags().DurationVar(&f.signals.maxLag, "max-lag", 0, "pause while a standby lags more")
	return cmd
}

// send sends a request to the active run. The schema is enough; a profile is optional.
func (a *app) send(cmd *cobra.Command, f *flags, r request, effect string) error {
	j := job{options: rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: f.trustOwners}}}
	var found problem.List
	if p := f.pickScope(&j); p != nil {
		found = append(found, p)
	}
	asked := f.request(cmd)
	asked.NoScope = true
	if found = append(found, setting.Check(asked)...); len(found) > 0 {
		return found
	}
	return a.read(cmd.Context(), j, f, func(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
		if err := a.library.request(ctx, pool, j, r); err != nil {
			return err
		}
		switch {
		case f.json:
			return a.document(sentRequest{FormatVersion: event.FormatVersion, Command: r.verb, Schema: j.schema.Name, OK: true})
		case !f.quiet:
			fmt.Fprintf(a.Stderr, "%s: sent to the run in schema %s; %s\n", r.verb, j.schema.Name, effect)
		}
		return nil
	})
}

// sentRequest is the JSON of a request that was sent.
type sentRequest struct {
	FormatVersion int    `json:"format_version"`
	Command       string `json:"command"`
	Schema        string `json:"schema"`
	OK            bool   `json:"ok"`
}
