package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// hinted CODE TEXT runs, as it is printed, the last command of the hint with a text in the last output; it must end with the exit code.
func hinted(ts *testscript.TestScript, _ bool, args []string) {
	command := commandOfHint(ts.ReadFile("stderr"), args[1])
	if command == "" {
		ts.Fatalf("no hint has %q and a command:\n%s", args[1], ts.ReadFile("stderr"))
	}
	ts.Logf("%s", command)
	exits(ts, false, append([]string{args[0]}, words(command)...))
}

// commandOfHint returns the last command of the hint with a text; "" if there is none.
func commandOfHint(output, text string) string {
	command := ""
	for _, part := range regexp.MustCompile(`(?m)^(HINT|ERROR|DETAIL|Next|Statements): +`).Split(output, -1) {
		part = strings.Join(strings.Fields(part), " ")
		if at := strings.LastIndex(part, "rekey "); at >= 0 && strings.Contains(part, text) {
			command, _, _ = strings.Cut(part[at:], ". ")
			command = strings.TrimSuffix(command, ".")
		}
	}
	return command
}

// words splits a command as a shell does that knows only single quotes and a backslash before one.
func words(command string) (list []string) {
	word, quoted := "", false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'':
			quoted = !quoted
		case c == '\\' && !quoted:
			i++
			word += string(command[i])
		case c == ' ' && !quoted:
			list, word = append(list, word), ""
		default:
			word += string(c)
		}
	}
	return append(list, word)
}

func TestCommandOfHint(t *testing.T) {
	const output = "ERROR:  a\nHINT:  Read it: rekey plan. Or rekey up --schema 'it'\\''s\n    mine' --to x\nERROR:  b\nHINT:  Wait: rekey status\n"
	if got := strings.Join(words(commandOfHint(output, "Read it")), "|"); got != "rekey|up|--schema|it's mine|--to|x" {
		t.Error(got)
	}
	if got := commandOfHint(output, "nothing"); got != "" {
		t.Error(got)
	}
}
