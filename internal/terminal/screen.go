// Package terminal is a model of a terminal, for the recordings in the documents and for tests of what rekey draws.
package terminal

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Screen is as much of a terminal as rekey's output needs: lines that scroll, a cursor that moves, erasing, colours, and the
// alternate screen.
type Screen struct {
	width, height int
	lines         [][]Cell
	x, y          int
	style         string // the class of the next characters
	rest          []byte // the beginning of a sequence whose end has not been written yet
	primary       *Screen
	noWrap        bool
	hidden        bool
	wraps         int
}

// Cell is a character and its style, such as "b c32".
type Cell struct {
	Char  rune
	Style string
}

// New returns an empty screen of a size.
func New(width, height int) *Screen {
	return &Screen{width: width, height: height, lines: [][]Cell{nil}}
}

// Resize changes the size. The text stays where it is, and is lost where it does not fit.
func (s *Screen) Resize(width, height int) {
	s.width, s.height = width, height
	for i, line := range s.lines {
		s.lines[i] = line[:min(len(line), width)]
	}
	s.lines = s.lines[:min(len(s.lines), height)]
	s.x, s.y = min(s.x, width-1), min(s.y, height-1)
}

// Alternate reports whether the alternate screen is shown.
func (s *Screen) Alternate() bool { return s.primary != nil }

// CursorHidden reports whether the cursor is hidden.
func (s *Screen) CursorHidden() bool { return s.hidden }

// Wraps reports whether a line that is too long continues in the next one.
func (s *Screen) Wraps() bool { return !s.noWrap }

// Spoiled returns how many lines were too long, or scrolled away, since the alternate screen was entered.
func (s *Screen) Spoiled() int { return s.wraps }

// Lines returns the text of each line, without blanks at its end.
func (s *Screen) Lines() []string {
	var all []string
	for _, line := range s.lines {
		var text strings.Builder
		for _, c := range line {
			text.WriteRune(c.Char)
		}
		all = append(all, strings.TrimRight(text.String(), " "))
	}
	return all
}

// Write shows what a program writes. It never fails.
func (s *Screen) Write(data []byte) (int, error) {
	written := len(data)
	data = append(s.rest, data...)
	s.rest = nil
	for len(data) > 0 {
		if data[0] == 0x1b {
			n, ok := s.escape(data)
			if !ok {
				s.rest = data
				return written, nil
			}
			data = data[n:]
			continue
		}
		if !utf8.FullRune(data) {
			s.rest = data
			return written, nil
		}
		r, n := utf8.DecodeRune(data)
		s.put(r)
		data = data[n:]
	}
	return written, nil
}

func (s *Screen) put(r rune) {
	switch {
	case r == '\r':
		s.x = 0
	case r == '\n':
		s.down()
	case r < ' ':
	default:
		if s.x >= s.width {
			s.overflow()
		}
		for len(s.lines[s.y]) <= s.x {
			s.lines[s.y] = append(s.lines[s.y], Cell{Char: ' '})
		}
		s.lines[s.y][s.x] = Cell{r, s.style}
		s.x++
	}
}

// overflow moves the cursor for a character after the last column.
func (s *Screen) overflow() {
	s.wraps++
	if s.noWrap {
		s.x = s.width - 1
		return
	}
	s.x = 0
	s.down()
}

func (s *Screen) down() {
	s.y++
	for s.y >= len(s.lines) {
		s.lines = append(s.lines, nil)
	}
	if s.y >= s.height {
		s.wraps++
		s.lines = s.lines[1:]
		s.y--
	}
}

func (s *Screen) escape(data []byte) (n int, ok bool) {
	if len(data) < 2 {
		return 0, false
	}
	if data[1] != '[' {
		return 2, true
	}
	for n = 2; n < len(data); n++ {
		if data[n] >= 0x40 && data[n] <= 0x7e {
			s.obey(data[n], string(data[2:n]))
			return n + 1, true
		}
	}
	return 0, false
}

func (s *Screen) obey(command byte, parameters string) {
	first, _, _ := strings.Cut(parameters, ";")
	count, err := strconv.Atoi(first)
	switch command {
	case 'h', 'l':
		s.setMode(parameters, command == 'h')
	case 'H':
		_, column, _ := strings.Cut(parameters, ";")
		at, _ := strconv.Atoi(column)
		s.move(max(1, count)-1, max(1, at)-1)
	case 'A':
		s.y = max(0, s.y-max(1, count))
	case 'B':
		s.y = min(len(s.lines)-1, s.y+max(1, count))
	case 'C':
		s.x = min(s.width-1, s.x+max(1, count))
	case 'D':
		s.x = max(0, s.x-max(1, count))
	case 'G':
		s.x = max(0, count-1)
	case 'J': // from the cursor to the end of the screen
		s.eraseLine()
		if err != nil || count == 0 {
			s.lines = s.lines[:s.y+1]
		}
	case 'K':
		if count == 2 {
			s.lines[s.y] = nil
		} else {
			s.eraseLine()
		}
	case 'm':
		s.setStyle(parameters)
	}
}

// move moves the cursor, to the edge of the screen at most.
func (s *Screen) move(y, x int) {
	s.y, s.x = min(y, s.height-1), min(x, s.width-1)
	for s.y >= len(s.lines) {
		s.lines = append(s.lines, nil)
	}
}

// setMode sets a mode: the alternate screen, the cursor, or the wrapping of lines.
func (s *Screen) setMode(mode string, on bool) {
	switch mode {
	case "?7":
		s.noWrap = !on
	case "?25":
		s.hidden = !on
	case "?1049":
		switch {
		case on && s.primary == nil:
			primary := *s
			s.primary, s.lines, s.x, s.y, s.wraps = &primary, [][]Cell{nil}, 0, 0, 0
		case !on && s.primary != nil:
			s.lines, s.x, s.y, s.primary = s.primary.lines, s.primary.x, s.primary.y, nil
		}
	}
}

func (s *Screen) eraseLine() {
	if len(s.lines[s.y]) > s.x {
		s.lines[s.y] = s.lines[s.y][:s.x]
	}
}

// setStyle turns the parameters of "select graphic rendition" into classes such as "b c32".
func (s *Screen) setStyle(parameters string) {
	for p := range strings.SplitSeq(parameters, ";") {
		n, _ := strconv.Atoi(p)
		switch {
		case n == 0:
			s.style = ""
		case n == 1:
			s.style += " b"
		case n == 2:
			s.style += " d"
		case n >= 30 && n <= 37 || n >= 90 && n <= 97:
			s.style += " c" + p
		}
	}
	s.style = strings.TrimSpace(s.style)
}

// Picture returns the lines as they are now.
func (s *Screen) Picture() [][]Cell {
	copied := make([][]Cell, len(s.lines))
	for i, line := range s.lines {
		copied[i] = append([]Cell(nil), line...)
	}
	return copied
}
