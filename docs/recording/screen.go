package main

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// screen is as much of a terminal as rekey's output needs: lines that scroll, a cursor that moves, erasing, and
// colours.
type screen struct {
	width, height int
	lines         [][]cell
	x, y          int
	style         string // the class of the next characters
	rest          []byte // the beginning of a sequence whose end has not been written yet
}

type cell struct {
	char  rune
	style string
}

func newScreen(width, height int) *screen {
	return &screen{width: width, height: height, lines: [][]cell{nil}}
}

func (s *screen) write(data []byte) {
	data = append(s.rest, data...)
	s.rest = nil
	for len(data) > 0 {
		if data[0] == 0x1b {
			n, ok := s.escape(data)
			if !ok {
				s.rest = data
				return
			}
			data = data[n:]
			continue
		}
		if !utf8.FullRune(data) {
			s.rest = data
			return
		}
		r, n := utf8.DecodeRune(data)
		s.put(r)
		data = data[n:]
	}
}

func (s *screen) put(r rune) {
	switch {
	case r == '\r':
		s.x = 0
	case r == '\n':
		s.down()
	case r < ' ':
	default:
		if s.x >= s.width {
			s.x = 0
			s.down()
		}
		for len(s.lines[s.y]) <= s.x {
			s.lines[s.y] = append(s.lines[s.y], cell{char: ' '})
		}
		s.lines[s.y][s.x] = cell{r, s.style}
		s.x++
	}
}

func (s *screen) down() {
	s.y++
	for s.y >= len(s.lines) {
		s.lines = append(s.lines, nil)
	}
	if s.y >= s.height {
		s.lines = s.lines[1:]
		s.y--
	}
}

// escape obeys the sequence at the beginning of data and returns its length; ok is false if its end is missing.
func (s *screen) escape(data []byte) (n int, ok bool) {
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

func (s *screen) obey(command byte, parameters string) {
	first, _, _ := strings.Cut(parameters, ";")
	count, err := strconv.Atoi(first)
	switch command {
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

func (s *screen) eraseLine() {
	if len(s.lines[s.y]) > s.x {
		s.lines[s.y] = s.lines[s.y][:s.x]
	}
}

// setStyle turns the parameters of "select graphic rendition" into classes such as "b c32".
func (s *screen) setStyle(parameters string) {
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

// picture returns the lines as they are now.
func (s *screen) picture() [][]cell {
	copied := make([][]cell, len(s.lines))
	for i, line := range s.lines {
		copied[i] = append([]cell(nil), line...)
	}
	return copied
}
