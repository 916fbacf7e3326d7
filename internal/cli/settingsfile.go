package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// settingsFile is a YAML file of settings. No problem of it repeats a value that may contain a password.
type settingsFile struct {
	path, flag string // flag names the file
	code       string // of its problems
	example    string // a hint: how to see a valid file
}

// parse returns the file's document. The kind of the node is 0 if the file is empty.
func (s settingsFile) parse(text []byte) (yaml.Node, *problem.Problem) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return yaml.Node{}, wrong(s.code, visible.Path(s.path)+yamlFault(err), s.example)
	}
	if len(document.Content) == 0 {
		return yaml.Node{}, nil
	}
	return *document.Content[0], nil
}

// unreadable returns the problem of a file that could not be read.
func (s settingsFile) unreadable(err error, code, hint string) *problem.Problem {
	p := wrong(code, fmt.Sprintf("could not read the file %s of %s", visible.Path(s.path), s.flag), hint)
	p.Detail = "The system reported: " + systemSays(err) + "."
	return p
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

// each calls take for each setting of a mapping. It refuses unknown and duplicate settings.
func (s settingsFile) each(node *yaml.Node, known []string, take func(string, *yaml.Node) *problem.Problem) *problem.Problem {
	if node.Kind != yaml.MappingNode {
		return s.fault(node, "expected settings with their values", "Write: "+known[0]+": name")
	}
	var seen []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := currentName(key.Value)
		switch {
		case !slices.Contains(known, name):
			hint := s.example
			if near := message.Nearest(key.Value, known); near != "" {
				hint = "Did you mean: " + near
			}
			p := s.fault(key, "unknown setting "+visible.Quote(key.Value), hint)
			p.Detail = "Valid settings here are: " + strings.Join(known, ", ") + "."
			return p
		case slices.Contains(seen, name):
			return s.fault(key, "duplicate setting "+visible.Quote(key.Value), "Keep one of them.")
		}
		seen = append(seen, name)
		if p := take(name, value); p != nil {
			return p
		}
	}
	return nil
}

// fault returns the problem of a line.
func (s settingsFile) fault(at *yaml.Node, text, hint string) *problem.Problem {
	return wrong(s.code, fmt.Sprintf("%s, line %d: %s", visible.Path(s.path), at.Line, text), hint)
}
