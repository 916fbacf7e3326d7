package cli

import (
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/message"
)

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Write a completion script for a shell",
		Long: `completion writes a script that completes commands, flags and values in bash,
zsh, fish or powershell.`,
		Example: `  source <(rekey completion bash)
  rekey completion zsh  > "${fpath[1]}/_rekey"
  rekey completion fish > ~/.config/fish/completions/rekey.fish
  rekey completion powershell | Out-String | Invoke-Expression`,
		ValidArgs:         shells,
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return message.ShellRequired(shells)
			}
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.exact, true)
			case "zsh":
				return root.GenZshCompletion(a.exact)
			case "fish":
				return root.GenFishCompletion(a.exact, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.exact)
			}
			return message.UnknownShell(quotedWord(args[0]), message.Nearest(args[0], shells), shells)
		},
	}
}
