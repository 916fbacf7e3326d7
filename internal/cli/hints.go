package cli

import (
	"regexp"
	"strings"

	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// problems returns the problems of an error, with hints that name this call's scope.
func (a *app) problems(err error) problem.List { return completeHints(problem.All(err), a.scope) }

// bareCommand matches a command that ends a sentence or a clause of a hint, without flags other than a phase and
// parents. The scope follows the verb, as in the documents.
var bareCommand = regexp.MustCompile(`\brekey ((?:plan|up|down|status|verify|pause|resume|stop))((?: --down)?(?: --to [a-z]+)?(?: --arbiter [a-z]+)?(?: --accept [a-z,-]+)?(?: --confirm ` + word + `)?(?: --parents ` + word + `)?)([.,;)]|$)`)

// word matches what visible.Word returns.
const word = `(?:[A-Za-z0-9_./-]*[A-Za-z0-9_/-]|'(?:[^']|'\\'')*')`

// completeHints returns problems whose hints name commands with the flags of the scope, so that they can be run as they are.
func completeHints(list problem.List, scope string) problem.List {
	if scope == "" || len(list) == 0 {
		return list
	}
	completed := make(problem.List, len(list))
	for i, one := range list {
		changed := *one
		changed.Hint = completeHint(one.Hint, scope)
		completed[i] = &changed
	}
	return completed
}

func completeHint(text, scope string) string {
	if scope == "" {
		return text
	}
	return bareCommand.ReplaceAllString(text, "rekey $1 "+strings.ReplaceAll(visible.Line(scope), "$", "$$")+"$2$3")
}
