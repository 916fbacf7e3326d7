package cli

import "github.com/spf13/cobra"

func (a *app) upCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "up --profile NAME | --schema NAME [flags]",
		Short: "Take tables from integer keys to uuids, phase by phase",
		Long: `up adds a uuid column to every table, and with --to linked to every foreign key:
without a rewrite, filled in short batches, indexed concurrently. --to switched
makes the uuids the primary keys. --to contracted drops the integers after a
proof; nothing brings them back. Ctrl-C stops it after the current batch or
step; the same command resumes it.`,
		Example: `  rekey up --profile phoenixkit --prefix public --version 40
  rekey up --schema app --tables 'a,b*' --skip-refused
  rekey up --schema app --to linked
  rekey up --schema app --to switched --accept group-by,on-conflict-constraint
  rekey up --schema app --to contracted --confirm app`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.migrate(cmd, f, a.library.up, "verify", "40")
		},
	}
	f.common(cmd)
	f.schemaRun.register(cmd, &f.file)
	f.phase.register(cmd, phasesUp)
	f.phase.registerEdges(cmd)
	f.phase.registerArbiter(cmd)
	f.phase.registerAccept(cmd)
	f.phase.registerContract(cmd)
	cmd.Flags().StringVar(&f.phase.confirm, "confirm", "", "name of the schema whose integer columns phase contracted drops")
	f.schemaRun.fleet(cmd)
	f.policy(cmd, "40")
	f.values.register(cmd)
	return cmd
}
