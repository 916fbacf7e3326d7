package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

func (a *app) reportText(err error) {
	fmt.Fprint(a.err, screen.Problems(a.problems(err), a.width(a.err), a.isLively(a.err)))
}

// reportJSON writes a problem to standard output in the JSON format of the command: the last event of up and down, a
// document of the others.
func (a *app) reportJSON(err error) {
	switch command := a.command(); command {
	case "up", "down", a.only:
		a.result(event.Result{Command: command, Problems: a.problems(err), Exit: a.exit(err)})
	default:
		_ = a.document(struct {
			FormatVersion int          `json:"format_version"`
			OK            bool         `json:"ok"`
			Problems      problem.List `json:"problems"`
		}{event.FormatVersion, false, a.problems(err)})
	}
}

// result writes the last event of a run.
func (a *app) result(e event.Result) {
	screen.JSON(a.Stdout, a.Stderr).Event(e)
}

// document writes a value as indented JSON.
func (a *app) document(value any) error {
	return a.encode(value, "  ")
}

// encode writes a value as JSON and escapes characters that a terminal would hide.
func (a *app) encode(value any, indent string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := a.exact.Write(visible.JSON(text.Bytes()))
	return err
}

// isLively reports whether output is a terminal that may be colored and redrawn.
func (a *app) isLively(out io.Writer) bool {
	if a.Getenv("NO_COLOR") != "" || a.Getenv("TERM") == "dumb" || a.Getenv("CI") != "" {
		return false
	}
	for _, word := range a.Args {
		if word == "--no-color" || word == "--no-color=true" {
			return false
		}
	}
	return isTerminal(out)
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// width returns the number of columns of a terminal, or the default for other output.
func (a *app) width(out io.Writer) int {
	const least = 40
	file, ok := out.(*os.File)
	if !ok {
		return screen.Width
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 {
		return screen.Width
	}
	return max(columns, least)
}

// writer returns the Writer of a run.
func (a *app) writer(f *flags) screen.Writer {
	switch {
	case f.json:
		return screen.JSON(a.Stdout, a.Stderr)
	case f.quiet:
		return screen.Silent(a.Stderr)
	case a.isLively(a.err):
		return screen.Terminal(a.err)
	default:
		return screen.Lines(a.Stderr)
	}
}
