package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
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
	text, err := readBounded(f.file)
	if err != nil {
		p := wrong("no_config", fmt.Sprintf("could not read the file %s of --config", visible.Path(f.file)), "Create one: rekey init --schema public")
		p.Detail = "The system reported: " + systemSays(err) + "."
		return p
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return wrong("bad_config", visible.Path(f.file)+yamlFault(err), "Print an example: rekey init --schema public --output -")
	}
	if len(document.Content) == 0 {
		return nil
	}
	return f.eachSetting(document.Content[0], fileSettings(), func(word string, value *yaml.Node) *problem.Problem {
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

func systemSays(err error) string {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return visible.Error(err)
}

// yamlFault returns the line of a syntax error. It does not use the parser's own text, which repeats parts of the file.
func yamlFault(err error) string {
	if line := regexp.MustCompile(`\bline (\d+)`).FindStringSubmatch(err.Error()); line != nil {
		return ", line " + line[1] + ": invalid YAML"
	}
	return ": invalid YAML"
}

// eachSetting calls take for each setting of a mapping. It refuses unknown and duplicate settings.
func (f *flags) eachSetting(node *yaml.Node, known []string, take func(string, *yaml.Node) *problem.Problem) *problem.Problem {
	if node.Kind != yaml.MappingNode {
		return f.fault(node, "expected settings with their values", "Write: "+known[0]+": name")
	}
	var seen []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := currentName(key.Value)
		switch {
		case !slices.Contains(known, name):
			hint := "Print an example: rekey init --output -"
			if near := message.Nearest(key.Value, known); near != "" {
				hint = "Did you mean: " + near
			}
			p := f.fault(key, "unknown setting "+visible.Quote(key.Value), hint)
			p.Detail = "Valid settings here are: " + strings.Join(known, ", ") + "."
			return p
		case slices.Contains(seen, name):
			return f.fault(key, "duplicate setting "+visible.Quote(key.Value), "Keep one of them.")
		}
		seen = append(seen, name)
		if p := take(name, value); p != nil {
			return p
		}
	}
	return nil
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
			return f.fault(item, fmt.Sprintf("%s cannot have this value", word), "Write the value as for the flag of the same name: "+cmd.CommandPath()+" --help")
		}
	}
	return nil
}

// readOverrides reads the settings of single tables.
func (f *flags) readOverrides(node *yaml.Node) *problem.Problem {
	if node.Kind != yaml.MappingNode {
		return f.fault(node, "overrides must contain names of tables", "Write: overrides: {orders: {column: public_id}}")
	}
	f.schemaRun.overrides = map[string]rekey.TableOptions{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		table := node.Content[i].Value
		if _, duplicate := f.schemaRun.overrides[table]; duplicate {
			return f.fault(node.Content[i], "duplicate table "+visible.Quote(table), "Keep one of them.")
		}
		var own rekey.TableOptions
		p := f.eachSetting(node.Content[i+1], overrideSettings(), func(word string, value *yaml.Node) *problem.Problem {
			if value.Kind != yaml.ScalarNode {
				return f.fault(value, word+" cannot have this value", "Set it to a name.")
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

func (f *flags) fault(at *yaml.Node, text, hint string) *problem.Problem {
	return wrong("bad_config", fmt.Sprintf("%s, line %d: %s", visible.Path(f.file), at.Line, text), hint)
}
