package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	helpWidth = 80 // columns of a help text
	helpLines = 40 // lines of a terminal; a longer help leaves out the less common flags
)

// flagGroup is a heading of the help with the forms of its flags.
type flagGroup struct {
	title string
	flags []flagForm
}

// flagForm is how the help writes a flag.
type flagForm struct {
	name   string
	value  string // the placeholder of the value, "" for an option
	common bool   // it is in the short help
}

// flagGroups returns all flags in the order of the help.
func flagGroups() []flagGroup { //nolint:funlen // a table
	const common = true
	return []flagGroup{
		{"Where", []flagForm{
			{"profile", "NAME", common},
			{"prefix", "SCHEMA", common},
			{"schema", "SCHEMA", common},
			{"version", "N", false},
			{"to", "PHASE", common},
			{"database-url", "URL", common},
			{"direct-url", "URL", false},
			{"config", "FILE", common},
		}},
		{"Which tables", []flagForm{
			{"tables", "TABLE,...", common},
			{"exclude", "TABLE,...", common},
			{"column", "NAME", false},
			{"index-name", "PATTERN", false},
			{"skip-refused", "", common},
			{"down", "", false},
		}},
		{"Foreign keys", []flagForm{{"parents", "SCHEMA", false}, {"reference", "TABLE.COLUMN=PARENT", false}, {"arbiter", "integer|uuid|both", false}}},
		{"Primary keys", []flagForm{
			{"accept", "HAZARD,...", false}, {"confirm", "SCHEMA", false}, {"soak", "DURATION", false}, {"keep-id", "", false}, {"rename-keys", "", false},
		}},
		{"Locks", []flagForm{
			{"lock-timeout", "DURATION", common}, {"lock-retry-timeout", "DURATION", false}, {"standby-url", "URL", false},
		}},
		{"Citus", []flagForm{{"max-per-node", "N", false}, {"node-url", "HOST:PORT=URL", false}}},
		{"Speed", []flagForm{
			{"pace", "gentle|normal|full", common}, {"max-impact", "RATIO", common}, {"batch-time", "DURATION", false}, {"calibrate", "", common}, {"disk-free", "SIZE", false},
		}},
		{"Pause when", []flagForm{
			{"max-lag", "DURATION", common},
			{"max-retained-wal", "SIZE", false},
			{"max-snapshot-age", "DURATION", false},
			{"throttle-query", "SELECT", false},
			{"throttle-file", "FILE", false},
			{"without-signal", "NAME,...", false},
		}},
		{"Values", []flagForm{
			{"time-source", "column|now", common},
			{"time-column", "TABLE=COLUMN", common},
			{"time-zone", "ZONE", false},
			{"random", "TABLE,...", false},
		}},
		{"Permissions", []flagForm{{"trust-owner", "ROLE", false}, {"fire-triggers", "", false}, {"subscribers-ready", "", false}}},
		{"Many schemas", []flagForm{
			{"targets", "FILE", false},
			{"group", "NAME,...", false},
			{"parallel", "N", common},
			{"canary", "N", false},
			{"on-error", "stop|continue", common},
			{"max-failures", "N", false},
		}},
		{"Rehearsal", []flagForm{{"rows", "SHARE", common}, {"server", "URL", common}, {"keep", "", false}}},
		{"Output", []flagForm{
			{"format", "FORMAT", common},
			{"output", "PATH", common},
			{"module", "NAME", common},
			{"report", "FILE", false},
			{"run", "N", common},
			{"verify", "", common},
			{"sql", "", common},
			{"exit-code", "", false},
			{"serve", "ADDRESS", common},
			{"listen", "ADDRESS", common},
			{"serve-remote", "", false},
			{"watch", "", common},
			{"json", "", common},
			{"quiet", "", common},
			{"no-color", "", false},
		}},
	}
}

// help returns a command's help: of one screen, without the less common flags, or with all flags.
func help(cmd *cobra.Command, all bool) string {
	if text := helpText(cmd, true); all || strings.Count(text, "\n") <= helpLines {
		return text
	}
	return helpText(cmd, false) + "More flags: " + cmd.CommandPath() + " --help-all\n"
}

// helpText is not made by cobra, whose templates belong to the whole process.
func helpText(cmd *cobra.Command, all bool) string {
	text := cmd.Long + "\n\nUsage:\n  " + cmd.UseLine() + "\n"
	if cmd.HasAvailableSubCommands() {
		text = cmd.Long + "\n\nUsage:\n  " + cmd.CommandPath() + " COMMAND [flags]\n\nCommands:\n"
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				text += fmt.Sprintf("  %-11s %s\n", c.Name(), c.Short)
			}
		}
	}
	if cmd.Example != "" {
		text += "\nExamples:\n" + cmd.Example + "\n"
	}
	text += "\n" + flagText(Flags(cmd), all)
	if cmd.HasAvailableSubCommands() {
		text += "\nMore about a command: " + cmd.CommandPath() + " COMMAND --help\n"
	}
	return text
}

// FlagGroup is a heading of the help with the flags of a command below it.
type FlagGroup struct {
	Title string
	Flags []Flag
}

// Flag is what the help says about a flag.
type Flag struct {
	Name, Shorthand string
	Value           string // the placeholder of its value, "" for an option
	Text            string
	Default         string // as a user writes it, "" if the text says it or there is none
	Common          bool   // the short help has it
}

// Root returns rekey's commands with their flags, for documents that are generated.
func Root() *cobra.Command {
	return newApp(Process{Getenv: func(string) string { return "" }}, library{}).root()
}

// Flags returns the flags of a command in the order of its help. Those without a group come last.
func Flags(cmd *cobra.Command) []FlagGroup {
	set := cmd.LocalFlags()
	set.SortFlags = false
	groups := []FlagGroup{{Title: "Flags"}}
	grouped := map[string]bool{}
	if set.Lookup("profile") != nil { // else it works on no database, or belongs to another program
		groups = nil
		for _, group := range flagGroups() {
			found := FlagGroup{Title: group.title}
			for _, form := range group.flags {
				grouped[form.name] = true
				if flag := set.Lookup(form.name); flag != nil {
					found.Flags = append(found.Flags, Flag{form.name, flag.Shorthand, form.value, flag.Usage, defaultOf(flag), form.common})
				}
			}
			if len(found.Flags) > 0 {
				groups = append(groups, found)
			}
		}
	}
	last := &groups[len(groups)-1]
	set.VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden && !grouped[flag.Name] {
			value, text := pflag.UnquoteUsage(flag)
			last.Flags = append(last.Flags, Flag{flag.Name, flag.Shorthand, value, text, defaultOf(flag), true})
		}
	})
	return groups
}

// defaultOf returns the default as a user writes it, "" if there is none.
func defaultOf(flag *pflag.Flag) string {
	if d, err := time.ParseDuration(flag.DefValue); err == nil && d%time.Minute == 0 && d != 0 {
		return strings.TrimSuffix(flag.DefValue, "0s")
	}
	if slices.Contains([]string{"", "0", "0s", "false", "[]"}, flag.DefValue) {
		return ""
	}
	return flag.DefValue
}

// flagText writes all flags, or the common ones. The short help cuts their texts at the first semicolon.
func flagText(groups []FlagGroup, all bool) string {
	var rows [][2]string
	column := 0
	for _, group := range groups {
		title := [][2]string{{group.Title + ":"}}
		for _, flag := range group.Flags {
			if all || flag.Common {
				left, right := flag.columns(all)
				column = max(column, len(left)+2)
				rows = append(append(rows, title...), [2]string{left, right})
				title = nil
			}
		}
	}
	var text strings.Builder
	for _, row := range rows {
		line := row[0]
		for word := range strings.FieldsSeq(row[1]) {
			switch {
			case len(line) < column:
				line += strings.Repeat(" ", column-len(line)) + word
			case len(line)+1+len(word) <= helpWidth:
				line += " " + word
			default:
				text.WriteString(line + "\n")
				line = strings.Repeat(" ", column) + word
			}
		}
		text.WriteString(line + "\n")
	}
	return text.String()
}

// columns returns the two columns of a flag in the help.
func (f Flag) columns(all bool) (left, right string) {
	left, right = "  --"+f.Name, f.Text
	if f.Shorthand != "" {
		left = "  -" + f.Shorthand + ", --" + f.Name
	}
	if f.Value != "" {
		left += " " + f.Value
	}
	if !all {
		right, _, _ = strings.Cut(right, "; ")
	}
	if f.Default != "" {
		right += " (default " + f.Default + ")"
	}
	return left, right
}

// helpAll is the flag --help-all: help with every flag.
type helpAll struct{ cmd *cobra.Command }

func (h helpAll) String() string   { return "false" }
func (h helpAll) Type() string     { return "bool" }
func (h helpAll) IsBoolFlag() bool { return true }

// Set makes the command print its help.
func (h helpAll) Set(string) error { return h.cmd.Flags().Set("help", "true") }

// addHelp gives a command and its subcommands the flags of the help.
func addHelp(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	if !cmd.DisableFlagParsing {
		cmd.Flags().Lookup("help").Usage = "print this help"
		flag := cmd.Flags().VarPF(helpAll{cmd}, "help-all", "", "print this help with all flags")
		flag.NoOptDefVal, flag.Hidden = "true", true // a help that is not complete names it
	}
	for _, c := range cmd.Commands() {
		addHelp(c)
	}
}

func writeHelp(out io.Writer, cmd *cobra.Command) error {
	all := cmd.Flags().Lookup("help-all")
	_, err := fmt.Fprint(out, help(cmd, all != nil && all.Changed))
	return err
}

// currentName returns the name of a setting that had another name before. Both are accepted.
func currentName(name string) string {
	switch name {
	case "max-lock":
		return "lock-timeout"
	case "lock-patience":
		return "lock-retry-timeout"
	case "own":
		return "overrides"
	}
	return name
}
