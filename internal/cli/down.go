package cli

import "github.com/spf13/cobra"

func (a *app) downCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "down --profile NAME | --schema NAME [flags]",
		Short: "Take away what up made, online",
		Long: `down takes away, in reverse order, exactly what up made, and records the version
before it. A uuid column that up found is never dropped. It refuses, by name,
whatever else hangs on a column that would go; it never drops with CASCADE.
Ctrl-C ends it cleanly after the step under way.`,
		Example: `  rekey plan --profile phoenixkit --prefix public --version 39
  rekey down --profile phoenixkit --prefix public --version 39
  rekey down --schema app`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.migrate(cmd, f, a.library.down, "status", "39")
		},
	}
	f.common(cmd)
	f.free.register(cmd, &f.file)
	f.free.fleet(cmd)
	f.policy(cmd, "39")
	return cmd
}
