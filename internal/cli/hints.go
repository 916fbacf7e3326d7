package cli

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// scopeOf returns the flags of a call that name its schema or profile, without the tables: every command has them.
func scopeOf(cmd *cobra.Command) string {
	if file := cmd.Flag("config"); file != nil && file.Changed {
		return "--config " + shell(file.Value.String())
	}
	var words []string
	for _, name := range []string{"profile", "prefix", "schema"} {
		if flag := cmd.Flag(name); flag != nil && flag.Changed {
			words = append(words, "--"+name+" "+shell(flag.Value.String()))
		}
	}
	return strings.Join(words, " ")
}

// bareCommand matches a command that ends a sentence or a clause of a hint, without flags.
var bareCommand = regexp.MustCompile(`\brekey (plan|up|down|status|verify|pause|resume|stop)([.,;)]|$)`)

// completeHints returns problems whose hints name commands with the scope of this call, so that they can be run as they are.
// Problems of usage keep their hints, since the scope itself may be wrong.
func completeHints(list problem.List, scope string) problem.List {
	if scope == "" {
		return list
	}
	with := "rekey $1 " + strings.ReplaceAll(visible.Line(scope), "$", "$$") + "$2"
	var completed problem.List
	for _, one := range list {
		if one.Kind != problem.Usage {
			changed := *one
			changed.Hint = bareCommand.ReplaceAllString(one.Hint, with)
			one = &changed
		}
		completed = append(completed, one)
	}
	return completed
}
