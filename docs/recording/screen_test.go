package main

import (
	"strings"
	"testing"
	"time"
)

// TestScreenShowsWhatATerminalShows writes sequences, also in parts, and compares the lines.
func TestScreenShowsWhatATerminalShows(t *testing.T) {
	for name, c := range map[string]struct{ written, want string }{
		"lines":               {"one\r\ntwo", "one|two"},
		"carriage return":     {"one\rT", "Tne"},
		"a bar drawn again":   {"a 10%\r\nb 20%\r\n\x1b[2A\x1b[Ja 30%\r\nb 40%\r\n", "a 30%|b 40%|"},
		"erase the line":      {"gone\x1b[2K\rhere", "here"},
		"erase to the end":    {"gone\r\x1b[Kh", "h"},
		"scrolls":             {"1\r\n2\r\n3\r\n4", "2|3|4"},
		"wraps":               {"123456789012", "1234567890|12"},
		"hidden cursor":       {"\x1b[?25la\x1b[?25h", "a"},
		"colours are no text": {"\x1b[1;32mok\x1b[0m", "ok"},
		"more than one byte":  {"größer ✓", "größer ✓"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScreen(10, 3)
			for i := range len(c.written) {
				s.write([]byte{c.written[i]})
			}
			if got := plain(s); got != c.want {
				t.Errorf("%q shows %q, want %q", c.written, got, c.want)
			}
		})
	}
}

func plain(s *screen) string {
	var all []string
	for _, line := range s.picture() {
		var b strings.Builder
		for _, c := range line {
			b.WriteRune(c.char)
		}
		all = append(all, b.String())
	}
	return strings.Join(all, "|")
}

// TestDrawingShowsTheLastFrameWithoutAnimation checks where the film is when nothing moves, and that text is escaped.
func TestDrawingShowsTheLastFrameWithoutAnimation(t *testing.T) {
	s := newScreen(columns, lines)
	s.write([]byte("\x1b[31ma < b\x1b[0m\r\n"))
	first := frame{s.picture(), time.Second}
	s.write([]byte("end"))
	drawn := svg([]frame{first, {s.picture(), time.Second}})
	for _, want := range []string{`class="c31">` + "a\u00a0&lt;\u00a0b</tspan>", ".film{transform:translateX(-704px)", "50.00%{transform:translateX(-704px)}"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("the drawing does not contain %s:\n%s", want, drawn)
		}
	}
}
