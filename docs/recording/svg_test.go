package main

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/terminal"
)

// TestDrawingShowsTheLastFrameWithoutAnimation checks where the film is when nothing moves, and that text is escaped.
func TestDrawingShowsTheLastFrameWithoutAnimation(t *testing.T) {
	s := terminal.New(columns, lines)
	_, _ = s.Write([]byte("\x1b[31ma < b\x1b[0m\r\n"))
	first := frame{s.Picture(), time.Second}
	_, _ = s.Write([]byte("end"))
	drawn := svg([]frame{first, {s.Picture(), time.Second}}, lines, "<label>")
	for _, want := range []string{`aria-label="&lt;label&gt;"`, `class="c31">` + "a\u00a0&lt;\u00a0b</tspan>", ".film{transform:translateX(-704px)", "50.00%{transform:translateX(-704px)}"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("the drawing does not contain %s:\n%s", want, drawn)
		}
	}
}
