package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

func wrong(code, text, hint string) *problem.Problem {
	return &problem.Problem{Kind: problem.Usage, Code: code, Message: text, Hint: hint}
}

// command returns the first argument that is not a flag.
func (a *app) command() string {
	if a.only != "" {
		return a.only
	}
	for _, word := range a.Args {
		if !strings.HasPrefix(word, "-") {
			return word
		}
	}
	return ""
}

// knownCommand checks the name of the command before the flags are parsed: all flags of a misspelled command would be
// unknown.
func knownCommand(root *cobra.Command, args []string) error {
	word := (&app{Process: Process{Args: args}}).command()
	if word == "" || strings.HasPrefix(word, "__complete") {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if word == "help" || slices.Contains(names, word) {
		return nil
	}
	hint := "List the commands: rekey --help"
	if near := message.Nearest(word, names); near != "" {
		hint = "Did you mean: rekey " + near
	}
	return wrong("unknown_command", "unknown command "+quotedWord(word), hint)
}

// quotedWord quotes an argument if it looks like a name. Any other may be a password, or contain one, that a shell
// separated from its flag.
func quotedWord(word string) string {
	if regexp.MustCompile(`^[a-z-]{1,20}$`).MatchString(word) {
		return visible.Quote(word)
	}
	return "(not repeated here, since it may contain a password)"
}

// flagName returns a flag's name as it was typed, if it looks like one.
func flagName(name string) string {
	if regexp.MustCompile(`^[a-z][a-z-]{0,30}$`).MatchString(name) && !visible.Secret(name) {
		return "flag --" + name
	}
	return "flag of this name (not repeated here, since it may contain a password)"
}

// tableNames refuses names that look like connection strings, which may hold a password.
func tableNames(cmd *cobra.Command, args []string) error {
	if slices.ContainsFunc(args, visible.Secret) {
		return noArguments(cmd, args)
	}
	return nil
}

// noArguments refuses arguments after a command.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "See: " + cmd.CommandPath() + " --help"
	if strings.ContainsAny(args[0], ":=@") {
		hint = "Pass a connection string in --database-url or DATABASE_URL. " + hint
	}
	return wrong("unexpected_argument", cmd.CommandPath()+" accepts flags, but no arguments", hint)
}

// badFlag returns the problem of an error of the flag parser. It does not use the error's own text, which may repeat an
// argument that contains a password.
func badFlag(cmd *cobra.Command, err error) error {
	see := "See: " + cmd.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	var lacking *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return wrong("unknown_flag", fmt.Sprintf("%s has no flag -%s", cmd.CommandPath(), visible.Line(name)), see)
		}
		if near := message.Nearest(name, flagNames(cmd)); near != "" {
			see = "Did you mean: --" + near
		}
		return wrong("unknown_flag", fmt.Sprintf("%s has no %s", cmd.CommandPath(), flagName(name)), see)
	case errors.As(err, &lacking):
		return wrong("flag_without_value", fmt.Sprintf("flag --%s requires a value", lacking.GetSpecifiedName()), see)
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		hint := see
		if flag.Value.Type() == "duration" {
			hint = "Write a duration with its unit, such as 50ms, 2s, 40m or 1h."
		}
		return wrong("flag_value", fmt.Sprintf("--%s cannot be %s", flag.Name, visible.Quote(invalid.GetValue())), hint)
	default:
		return wrong("flag_syntax", "could not parse the flags", see)
	}
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}
