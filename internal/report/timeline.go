package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
)

// mostDrawn is the largest number of rows of the timeline.
const mostDrawn = 60

// The measures of the timeline.
const (
	ganttWidth  = 1000.0
	ganttLeft   = 230.0
	ganttRight  = 14.0
	ganttTop    = 30.0
	ganttRow    = 22.0
	ganttBar    = 12.0
	ganttLetter = 31
)

// gantt draws the work on each table over time.
func gantt(d Document) figure {
	work, left := drawn(d.Work)
	end := max(d.Run.Ended.Sub(d.Run.Started), time.Millisecond)
	height := ganttTop + float64(len(work))*ganttRow + 8
	description := fmt.Sprintf("One row for each of %s, with the time of its steps. The table below has the numbers.", message.Counted(len(work), "table, reference or primary key", "tables, references and primary keys"))
	s := newDrawing("timeline-figure", "Timeline of the run", description, ganttWidth, height)
	x := axis{0, float64(end), ganttLeft, ganttWidth - ganttRight}
	for _, p := range d.Pauses {
		if from, to := x.at(float64(p.From.Sub(d.Run.Started))), x.at(float64(p.To.Sub(d.Run.Started))); p.Paused {
			s.rect("pause", from, ganttTop, max(to-from, 1.5), height-ganttTop-4, "paused: "+p.Text)
		}
	}
	for _, t := range timeTicks(end, 9) {
		at := x.at(float64(t))
		s.line("grid", at, ganttTop-4, at, height-4)
		s.write("axis", "middle", at, ganttTop-10, tickLabel(t))
	}
	rows := map[string]float64{}
	for i, w := range work {
		top := ganttTop + float64(i)*ganttRow
		rows[w.Name] = top
		drawWork(s, d, w, x, top)
	}
	for _, l := range d.Locks {
		if top, shown := rows[l.Table]; shown {
			at := x.at(float64(l.At.Add(-l.Hold).Sub(d.Run.Started)))
			s.rect("lock", at-0.8, top+2, 1.6, ganttRow-4, fmt.Sprintf("ACCESS EXCLUSIVE on %s: waited %s, held %s", l.Table, millis(l.Wait), millis(l.Hold)))
		}
	}
	for _, a := range d.Refused {
		if top, shown := rows[a.Table]; shown {
			at := x.at(float64(a.At.Sub(d.Run.Started)))
			s.mark("timeout", fmt.Sprintf("M%s %sl4 5h-8z", px(at), px(top+1)), fmt.Sprintf("lock timeout on %s, attempt %d", a.Table, a.Attempts))
		}
	}
	f := figure{svg: s.end(), legend: []legendItem{
		{"k-fill", "filling rows"}, {"k-index", "building an index"}, {"k-check", "checking, without blocking"}, {"k-change", "changing the catalogue"}, {"k-lock", "ACCESS EXCLUSIVE"},
	}}
	if len(d.Refused) > 0 {
		f.legend = append(f.legend, legendItem{"k-timeout", "lock timeout"})
	}
	if len(d.Pauses) > 0 {
		f.legend = append(f.legend, legendItem{"k-pause", "paused"})
	}
	if left > 0 {
		f.legend = append(f.legend, legendItem{"", fmt.Sprintf("the %d that took longest; %s more are in the table", len(work), number(int64(left)))})
	}
	return f
}

// drawn returns the work that took longest, in the order of its beginning, and how much is left out.
func drawn(work []Work) (some []Work, left int) {
	if len(work) <= mostDrawn {
		return work, 0
	}
	some = slices.Clone(work)
	slices.SortStableFunc(some, func(a, b Work) int { return cmp.Compare(b.Ended.Sub(b.Started), a.Ended.Sub(a.Started)) })
	some = some[:mostDrawn]
	slices.SortStableFunc(some, func(a, b Work) int { return a.Started.Compare(b.Started) })
	return some, len(work) - mostDrawn
}

func drawWork(s *drawing, d Document, w Work, x axis, top float64) {
	name := strings.TrimPrefix(w.Name, d.Run.Schema+".")
	s.line("row", 0, top+ganttRow, ganttWidth-ganttRight, top+ganttRow)
	s.write("label", "end", ganttLeft-10, top+ganttRow/2+4, shorten(name, ganttLetter))
	for _, one := range w.Steps {
		from, to := x.at(float64(one.From.Sub(d.Run.Started))), x.at(float64(one.To.Sub(d.Run.Started)))
		tip := fmt.Sprintf("%s: %s, %s", w.Name, one.Name, elapsed(one.To.Sub(one.From)))
		class := one.Kind
		if one.Open {
			class += " open"
			tip += ", not finished"
		}
		s.rect(class, from, top+(ganttRow-ganttBar)/2, max(to-from, 1.5), ganttBar, tip)
	}
}
