package main

import (
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/terminal"
)

// frame is the screen and how long it stays.
type frame struct {
	picture [][]terminal.Cell
	shown   time.Duration
}

const (
	charWidth, lineHeight, fontSize = 8.4, 18, 14
	margin, bar                     = 16, 32
)

// svg returns the frames as one drawing. The frames are side by side, and an animation moves one after the other
// into view; where nothing is animated the last one is in view. Equal lines are drawn once. The label says what is seen.
func svg(movie []frame, lines int, label string) string {
	width, height := columns*charWidth+2*margin, lines*lineHeight+margin+bar
	total := time.Duration(0)
	for _, f := range movie {
		total += f.shown
	}
	var keyframes, defs, film strings.Builder
	ids := map[string]int{}
	at := time.Duration(0)
	for i, f := range movie {
		fmt.Fprintf(&keyframes, "%.2f%%{transform:translateX(%.0fpx)}", 100*at.Seconds()/total.Seconds(), -float64(i)*width)
		at += f.shown
		fmt.Fprintf(&film, `<g transform="translate(%.0f 0)">`, float64(i)*width)
		for n, line := range f.picture {
			drawn := text(line)
			if drawn == "" {
				continue
			}
			id, known := ids[drawn]
			if !known {
				id = len(ids)
				ids[drawn] = id
				fmt.Fprintf(&defs, `<text id="l%d">%s</text>`+"\n", id, drawn)
			}
			fmt.Fprintf(&film, `<use href="#l%d" y="%d"/>`, id, (n+1)*lineHeight)
		}
		film.WriteString("</g>\n")
	}
	end := -float64(len(movie)-1) * width
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]d" width="%[1]g" height="%[2]d" role="img" aria-label="%[13]s">
<style>
text{font:%[3]dpx ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6deeb;white-space:pre}
.b{font-weight:bold}.d{opacity:.65}.c31,.c91{fill:#ff6b6b}.c32,.c92{fill:#7ddc84}.c33,.c93{fill:#ffd166}.c34,.c94{fill:#82aaff}.c35,.c95{fill:#c792ea}.c36,.c96{fill:#7fdbca}.c90{fill:#8a99ad}
.film{transform:translateX(%.0[4]fpx);animation:film %.1[5]fs step-end infinite}
@keyframes film{%[6]s100%%{transform:translateX(%.0[4]fpx)}}
@media (prefers-reduced-motion:reduce){.film{animation:none}}
</style>
<defs>
%[7]s</defs>
<rect width="100%%" height="100%%" rx="8" fill="#0d1a26"/>
<circle cx="20" cy="16" r="5" fill="#ff5f57"/><circle cx="38" cy="16" r="5" fill="#febc2e"/><circle cx="56" cy="16" r="5" fill="#28c840"/>
<svg x="%[8]d" y="%[9]d" width="%[10]g" height="%[11]d" overflow="hidden"><g class="film">
%[12]s</g></svg>
</svg>
`, width, height, fontSize, end, total.Seconds(), keyframes.String(), defs.String(), margin, bar, columns*charWidth, lines*lineHeight+8, film.String(), html.EscapeString(label))
}

// text returns one line as spans of equal style, or "" if it is empty. textLength keeps the columns aligned in any
// font, and no-break spaces keep the blanks in renderers that join them.
func text(line []terminal.Cell) string {
	for len(line) > 0 && line[len(line)-1].Char == ' ' {
		line = line[:len(line)-1]
	}
	var b strings.Builder
	for from := 0; from < len(line); {
		if line[from].Char == ' ' { // some renderers drop blanks at the beginning
			from++
			continue
		}
		to := from
		var chars strings.Builder
		for to < len(line) && line[to].Style == line[from].Style {
			chars.WriteRune(line[to].Char)
			to++
		}
		class := ""
		if line[from].Style != "" {
			class = fmt.Sprintf(` class="%s"`, line[from].Style)
		}
		fmt.Fprintf(&b, `<tspan x="%.1f" textLength="%.1f"%s>%s</tspan>`, float64(from)*charWidth, float64(to-from)*charWidth, class, html.EscapeString(strings.ReplaceAll(chars.String(), " ", "\u00a0")))
		from = to
	}
	return b.String()
}
