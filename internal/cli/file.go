package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// fileSettings returns the settings that a rekey.yaml may contain: flags by their names, and the overrides of tables.
// Connections are not among them, since the file is kept with the source code.
func fileSettings() []string {
	return []string{
		"schema", "profile", "prefix", "tables", "exclude", "column", "index-name", "skip-refused", "overrides",
		"parents", "reference", "arbiter",
		"max-per-node", "pace", "max-impact", "batch-time", "lock-timeout", "lock-retry-timeout", "max-lag", "max-retained-wal", "max-snapshot-age",
		"throttle-query", "throttle-file", "without-signal", "subscribers-ready", "fire-triggers", "trust-owner",
	}
}

// overrideSettings returns the settings of a single table.
func overrideSettings() []string { return []string{"column", "index-name"} }

// readFile sets every flag that the file of --config names and the command line does not. It ignores settings of other
// commands.
func (f *flags) readFile(cmd *cobra.Command) *problem.Problem {
	if f.file == "" {
		return nil
	}
	file := f.configFile()
	text, err := readBounded(f.file)
	if err != nil {
		return file.unreadable(err, "no_config", "Create one: rekey init --schema public")
	}
	document, p := file.parse(text)
	if p != nil || document.Kind == 0 {
		return p
	}
	return file.each(&document, fileSettings(), func(word string, value *yaml.Node) *problem.Problem {
		if word == "overrides" {
			return f.readOverrides(value)
		}
		flag := cmd.Flags().Lookup(word)
		if flag == nil || flag.Changed {
			return nil
		}
		return f.set(cmd, word, value)
	})
}

// set sets a flag to a value of the file. A list is set item by item.
func (f *flags) set(cmd *cobra.Command, word string, value *yaml.Node) *problem.Problem {
	items := []*yaml.Node{value}
	switch {
	case value.Kind == yaml.SequenceNode && slices.Contains([]string{"tables", "exclude", "without-signal", "trust-owner", "parents", "reference"}, word):
		items = value.Content
	case value.Tag == "!!null":
		return nil
	}
	for _, item := range items {
		text := item.Value
		if value.Kind == yaml.SequenceNode && cmd.Flags().Lookup(word).Value.Type() != "stringArray" { // in a YAML list a comma belongs to the name
			text = strings.ReplaceAll(strings.ReplaceAll(text, `\,`, ","), ",", `\,`)
		}
		if item.Kind != yaml.ScalarNode || cmd.Flags().Set(word, text) != nil {
			return f.configFile().fault(item, fmt.Sprintf("%s cannot have this value", word), "Write the value as for the flag of the same name: "+cmd.CommandPath()+" --help")
		}
	}
	return nil
}

// readOverrides reads the settings of single tables.
func (f *flags) readOverrides(node *yaml.Node) *problem.Problem {
	if node.Kind != yaml.MappingNode {
		return f.configFile().fault(node, "overrides must contain names of tables", "Write: overrides: {orders: {column: public_id}}")
	}
	f.schemaRun.overrides = map[string]rekey.TableOptions{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		table := node.Content[i].Value
		if _, duplicate := f.schemaRun.overrides[table]; duplicate {
			return f.configFile().fault(node.Content[i], "duplicate table "+visible.Quote(table), "Keep one of them.")
		}
		var own rekey.TableOptions
		p := f.configFile().each(node.Content[i+1], overrideSettings(), func(word string, value *yaml.Node) *problem.Problem {
			if value.Kind != yaml.ScalarNode {
				return f.configFile().fault(value, word+" cannot have this value", "Set it to a name.")
			}
			if word == "column" {
				own.Column = value.Value
			} else {
				own.IndexName = value.Value
			}
			return nil
		})
		if p != nil {
			return p
		}
		f.schemaRun.overrides[table] = own
	}
	return nil
}

// configFile describes the file of --config.
func (f *flags) configFile() settingsFile {
	return settingsFile{path: f.file, flag: "--config", code: "bad_config", example: "Print an example: rekey init --schema public --output -"}
}
