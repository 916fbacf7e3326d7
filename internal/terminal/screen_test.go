package terminal

import (
	"strings"
	"testing"
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
		"moves to a line":     {"1\r\n2\x1b[3;2Hx\x1b[1;1H\x1b[2Kl", "l|2| x"},
		"alternate screen":    {"before\x1b[?1049hframe", "frame"},
		"the screen before":   {"before\x1b[?1049hframe\x1b[?1049l", "before"},
		"does not wrap":       {"\x1b[?7l123456789012", "1234567892"},
		"more than one byte":  {"größer ✓", "größer ✓"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(10, 3)
			for i := range len(c.written) {
				_, _ = s.Write([]byte{c.written[i]})
			}
			if got := strings.Join(s.Lines(), "|"); got != c.want {
				t.Errorf("%q shows %q, want %q", c.written, got, c.want)
			}
		})
	}
}

// TestScreenReportsItsState checks modes, and whether something did not fit.
func TestScreenReportsItsState(t *testing.T) {
	s := New(10, 2)
	_, _ = s.Write([]byte("\x1b[?1049h\x1b[?25l\x1b[?7l1234567890\x1b[2;1H2"))
	if !s.Alternate() || !s.CursorHidden() || s.Wraps() || s.Spoiled() != 0 {
		t.Errorf("alternate %v, hidden %v, wraps %v, spoiled %d", s.Alternate(), s.CursorHidden(), s.Wraps(), s.Spoiled())
	}
	_, _ = s.Write([]byte("\r\n3"))
	if s.Spoiled() != 1 {
		t.Error("a line scrolled away unnoticed")
	}
	s.Resize(4, 1)
	_, _ = s.Write([]byte("\x1b[1;1H12345\x1b[?7h\x1b[?25h\x1b[?1049l"))
	if s.Alternate() || s.CursorHidden() || !s.Wraps() || s.Spoiled() != 2 {
		t.Errorf("at the end: alternate %v, hidden %v, wraps %v, spoiled %d", s.Alternate(), s.CursorHidden(), s.Wraps(), s.Spoiled())
	}
}
