package cli

import "github.com/spf13/cobra"

func (a *app) downCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "down --profile NAME | --schema NAME [flags]",
		Short: "Drop what up made, online",
		Long: `down drops what up made, in reverse order, and records the former version. With
--to linked it only makes the integers the primary keys again, with --to
expanded it drops the uuid columns of foreign keys too. It keeps a column that
existed before up, refuses to drop a column on which other objects depend, and
never uses CASCADE. Integers that have ended do not come back.`,
		Example: `  rekey plan --profile phoenixkit --prefix public --version 39
  rekey down --profile phoenixkit --prefix public --version 39
  rekey down --schema app
  rekey down --schema app --to linked`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.migrate(cmd, f, a.library.down, "status", "39")
		},
	}
	f.common(cmd)
	f.schemaRun.register(cmd, &f.file)
	f.phase.register(cmd, phasesDown)
	f.phase.registerEdges(cmd)
	f.schemaRun.fleet(cmd)
	f.policy(cmd, "39")
	f.reports(cmd)
	f.page.register(cmd)
	return cmd
}
