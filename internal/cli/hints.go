package cli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// problems returns the problems of an error, with hints that name this call's scope.
func (a *app) problems(err error) problem.List { return a.hints.complete(problem.All(err)) }

// hints completes the commands that hints name, so that they can be run as they are.
type hints struct {
	scope string // the flags that name the schema or the profile
	// verb and to are the command up or down that this call is, or plans, and the phase to which it goes. again returns it with the
	// flags of the call, without some of them. It is nil for other commands.
	verb, to string
	again    func(without []string) string
	// targets is the flags of --targets with the scope; "" without them. Commands that take --targets have it in place of the scope.
	targets string
}

// bareCommand matches a command that ends a sentence or a clause of a hint, with the flags that hints have. The scope follows the verb,
// as in the documents.
var bareCommand = regexp.MustCompile(`\brekey (plan|up|down|status|verify|report|pause|resume|stop)((?: --(?:down|verify|rename-keys|keep-id|skip-refused)| --(?:to|arbiter|accept|confirm|soak|parents|reference|exclude|output) (?:` + flagValue + `)+)*)([.,;)]|$)`)

// flagValue matches a part of a value as a shell reads it: it does not end with a full stop.
const flagValue = `'[^']*'|\\'|[^\s'.,;)\\]|[.,][^\s'.,;)]`

var hintFlag = regexp.MustCompile(`--([a-z-]+)(?: ((?:` + flagValue + `)+))?`)

// complete returns problems whose hints name commands with the flags of the scope. A command that goes where this call goes has the
// other flags of the call too.
func (h hints) complete(list problem.List) problem.List {
	if h.scope == "" || len(list) == 0 {
		return list
	}
	completed := make(problem.List, len(list))
	for i, one := range list {
		changed := *one
		changed.Hint = h.text(one.Hint)
		completed[i] = &changed
	}
	return completed
}

// text completes the commands in a text.
func (h hints) text(text string) string {
	if h.scope == "" {
		return text
	}
	return bareCommand.ReplaceAllStringFunc(text, func(found string) string {
		parts := bareCommand.FindStringSubmatch(found)
		verb, flags, end := parts[1], parts[2], parts[3]
		if without, same := h.leavesOut(verb, flags); same {
			return h.again(without) + flags + end
		}
		scope := h.scope
		if h.targets != "" && slices.Contains([]string{"plan", "up", "down", "status", "verify"}, verb) {
			scope = h.targets
		}
		return "rekey " + verb + " " + visible.Line(scope) + flags + end
	})
}

// leavesOut reports whether a command of a hint goes where this call goes, and returns the flags of the call that it does not repeat:
// those that the hint has, and --rename-keys, which needs a run of its own. The call's own values of a list stay.
func (h hints) leavesOut(verb, flags string) (without []string, same bool) {
	if h.again == nil || verb != h.verb {
		return nil, false
	}
	to := ""
	without = []string{"rename-keys"}
	for _, flag := range hintFlag.FindAllStringSubmatch(flags, -1) {
		if flag[1] == "to" {
			to = flag[2]
		}
		if !slices.Contains([]string{"parents", "reference", "exclude"}, flag[1]) {
			without = append(without, flag[1])
		}
	}
	return without, to != "" && to == h.to
}

// naming returns a command with another name of the schema.
func naming(text, old, schema string) string {
	for _, flag := range []string{"--schema ", "--prefix "} {
		text = strings.Replace(text, flag+visible.Word(old), flag+visible.Word(schema), 1)
	}
	return text
}

// oneOf returns the hints of a run on one of the schemas that match a pattern.
func (h hints) oneOf(pattern, schema string) hints {
	named := func(text string) string { return naming(text, pattern, schema) }
	h.scope = named(h.scope)
	if all := h.again; all != nil {
		h.again = func(without []string) string {
			return named(all(append(without, "parallel", "canary", "on-error", "max-failures")))
		}
	}
	return h
}

// ofTarget returns the hints of a run on one target. old is the schema of the other targets.
func (h hints) ofTarget(old, schema string) hints {
	h.scope = naming(h.scope, old, schema)
	return h
}

// hintsOf returns what completes the hints of a call.
func (f *flags) hintsOf(cmd *cobra.Command, direction rekey.Direction) hints {
	h := hints{scope: f.names() + f.trusting()}
	if f.schemaRun.targets != "" {
		h.targets = "--targets " + visible.Word(f.schemaRun.targets)
		for _, group := range f.schemaRun.groups {
			h.targets += " --group " + visible.Word(group)
		}
		h.targets += " " + h.scope
	}
	if slices.Contains([]string{"up", "down", "plan"}, cmd.Name()) {
		h.verb, h.to = string(direction), f.phase.to
		h.again = func(without []string) string {
			return repeated(cmd, "rekey "+h.verb, append(without, "down", "exit-code", "version")...)
		}
	}
	return h
}
