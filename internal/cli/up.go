package cli

import "github.com/spf13/cobra"

func (a *app) upCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "up --profile NAME | --schema NAME [flags]",
		Short: "Take tables from integer keys to uuids, phase by phase",
		Long: `up adds a uuid column to every table: no rewrite, filled in short batches. --to
linked adds uuid foreign keys, --to switched makes the uuids primary keys, --to
contracted drops the integers for good. Ctrl-C stops it; the same call resumes.`,
		Example: `  rekey up --profile phoenixkit --prefix public --version 40
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
	f.reports(cmd)
	f.page.register(cmd)
	f.values.register(cmd)
	return cmd
}
