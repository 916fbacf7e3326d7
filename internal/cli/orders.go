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

// orderCommands are what another terminal tells the run that is at work.
func (a *app) orderCommands() []*cobra.Command {
	return []*cobra.Command{
		a.order(rekey.Pause, "pause", "Make the run that is at work stand still",
			"pause makes the run that is at work in a schema stand still before its next\n"+
				"batch or change; an index that is being built is finished first. The run keeps\n"+
				"its lease, and nothing is locked meanwhile. resume lets it go on, stop ends it.",
			"it stands still before its next batch"),
		a.order(rekey.Resume, "resume", "Let a paused run go on",
			"resume lets a run go on that pause made stand still.", "it goes on"),
		a.order(rekey.Stop, "stop", "End the run that is at work, cleanly",
			"stop ends the run that is at work in a schema after its batch, as one Ctrl-C in\n"+
				"its own terminal does: with exit code 7. The same command goes on later.",
			"it ends after its batch"),
		a.tuneCommand(),
	}
}

func (a *app) order(verb rekey.Verb, name, short, long, effect string) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use: name + " [flags]", Short: short, Long: long,
		Example: "  rekey " + name + " --prefix public",
		Args:    noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.request(cmd, f, rekey.Order{Verb: verb}, effect)
		},
	}
	f.common(cmd)
	return cmd
}

func (a *app) tuneCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "tune [flags]",
		Short: "Change the pace of the run that is at work",
		Long: `tune changes the pace, the time that a batch aims at, or the lag that standbys
may have, of the run that is at work in a schema; what is not named stays.`,
		Example: `  rekey tune --prefix public --pace gentle
  rekey tune --prefix public --max-lag 30s --batch-time 20ms`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.request(cmd, f, rekey.Order{
				Verb: rekey.Tune, Pace: f.pace, BatchTime: f.batchTime, MaxLag: f.signals.maxLag,
			}, "it goes on with that")
		},
	}
	f.common(cmd)
	f.knobs(cmd, "", "")
	cmd.Flags().DurationVar(&f.signals.maxLag, "max-lag", 0, "stand still while a standby is further behind")
	return cmd
}

// request gives an order. A profile may be named, as in the other commands, and is not needed: a run
// is known by its schema.
func (a *app) request(cmd *cobra.Command, f *flags, order rekey.Order, effect string) error {
	config := rekey.Config{Prefix: f.name()}
	var found problem.List
	if p := f.pickScope(&config); p != nil {
		found = append(found, p)
	}
	r := f.request(cmd)
	r.NoScope = true
	if found = append(found, setting.Check(r)...); len(found) > 0 {
		return found
	}
	return a.read(cmd.Context(), config, f, func(ctx context.Context, pool *pgxpool.Pool, config rekey.Config, f *flags) error {
		if err := a.library.request(ctx, pool, config, order); err != nil {
			return err
		}
		switch {
		case f.json:
			return a.document(told{Schema: event.FormatVersion, Command: string(order.Verb), Prefix: scope(config), OK: true})
		case !f.quiet:
			fmt.Fprintf(a.Stderr, "%s: the run in schema %s is told; %s\n", order.Verb, scope(config), effect)
		}
		return nil
	})
}

// told is the JSON of an order that was given.
type told struct {
	Schema  int    `json:"schema"`
	Command string `json:"command"`
	Prefix  string `json:"prefix"`
	OK      bool   `json:"ok"`
}
