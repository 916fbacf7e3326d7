package cli

import "github.com/spf13/cobra"

func (a *app) upCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "up --profile NAME | --schema NAME [flags]",
		Short: "Give every table its uuid, online",
		Long: `up gives every table of the profile that exists its uuid column: added without a
rewrite, filled in short batches, indexed concurrently, NOT NULL proved first.
Run twice it has nothing to do; stopped anywhere, the same command goes on.
Ctrl-C ends it cleanly after the batch under way.`,
		Example: `  rekey up --profile phoenixkit --prefix public --version 40
  rekey up --profile phoenixkit --lock-timeout 20ms --json > up.ndjson
  rekey up --schema app --tables 'a,b*' --skip-refused`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.migrate(cmd, f, a.library.up, "verify", "40")
		},
	}
	f.common(cmd)
	f.free.register(cmd, &f.file)
	f.free.fleet(cmd)
	f.policy(cmd, "40")
	f.values.register(cmd)
	return cmd
}
