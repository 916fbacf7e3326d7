package main

import (
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// write prints the document as Markdown.
func (d Document) write(out io.Writer) {
	fmt.Fprintf(out, "%s\n%d rows; traffic: %d statements per second on %d connections; %s\n",
		d.Machine, d.Rows, d.Rate, d.Connections, d.Begun.Format(time.DateOnly))
	for _, s := range d.Servers {
		fmt.Fprintf(out, "\n## PostgreSQL %s\n\n", s.Version)
		for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
			fmt.Fprintf(out, "%s=%s ", name, s.Settings[name])
		}
		fmt.Fprintln(out)
		s.write(out)
	}
	if d.Citus != nil {
		d.Citus.write(out)
	}
}

func (c *Citus) write(out io.Writer) {
	fmt.Fprintf(out, "\n## %s, %d workers\n", c.Version, c.Workers)
	grid(out, c.headings(), c.Runs, CitusFill.cells)
	grid(out, []string{"figure", "target", "measured", "reached"}, c.Reach, Figure.cells)
}

func (s Server) write(out io.Writer) {
	grid(out, []string{"run", "rows", "wall", "rows/s", "WAL MB", "table MB", "indexes MB", "HOT", "AE locks", "longest", "total", "rekey MB"},
		s.Runs, Run.migration)
	grid(out, []string{"run", "rows", "statements", "p50", "p99", "p99.9", "longest", "failed"},
		slices.DeleteFunc(slices.Clone(s.Runs), func(r Run) bool { return r.Application == nil }), Run.application)
	grid(out, []string{"run", "rows", "part", "lasted", "statements", "p50", "p99", "of reads", "of writes", "p99.9", "longest"}, s.parts(), part.cells)
	grid(out, []string{"function", "per call"}, s.Functions, func(f Function) []string {
		return []string{f.Name, f.Call.String()}
	})
	grid(out, []string{"inserts", "rows", "wall", "WAL MB", "index MB"}, s.Inserts, func(i Insert) []string {
		return []string{i.Version, fmt.Sprint(i.Rows), seconds(i.Wall), megabytes(i.WAL), megabytes(i.Index)}
	})
	grid(out, []string{"schemas", "parallel", "plan", "schemas/s", "kinds", "tables", "up", "tables/s", "rekey MB", "connections"}, s.Tenants, Tenants.cells)
	grid(out, []string{"tables", "rows per table", "original", "psql script", "rekey"}, s.Small, Small.cells)
	grid(out, []string{"children", "parents", "expand's fill", "edge's fill", "WAL MB", "HOT", "insert", "linked", "update", "linked", "p99", "linking", "longest", "linking"},
		s.Link, Link.cells)
	grid(out, []string{"forecast", "rows", "pace", "processor", "time", "actual", "ratio", "WAL MB", "actual", "ratio", "MB before", "after", "actual", "ratio", "HOT", "actual"},
		s.Forecasts, Forecast.cells)
	grid(out, []string{"figure", "target", "measured", "reached"}, s.Reach, Figure.cells)
}

func (f Figure) cells() []string {
	reached := "–"
	if f.Reached != nil {
		reached = map[bool]string{true: "yes", false: "no"}[*f.Reached]
	}
	return []string{f.Figure, f.Reach, f.Got, reached}
}

func (r Run) migration() []string {
	cells := []string{r.Name, fmt.Sprint(r.Rows)}
	if r.Error != "" {
		return append(cells, "failed: "+strings.ReplaceAll(r.Error, "\n", "; "))
	}
	cells = append(cells, seconds(r.Wall), fmt.Sprintf("%.0f", r.Rate), megabytes(r.WAL), megabytes(r.Table), megabytes(r.Indexes),
		fmt.Sprintf("%.0f %%", 100*r.HOT))
	if r.Locks == nil {
		return cells
	}
	cells = append(cells, fmt.Sprint(r.Locks.Count), short(r.Locks.Longest), short(r.Locks.Total))
	if r.Memory > 0 {
		cells = append(cells, megabytes(r.Memory))
	}
	return cells
}

func (r Run) application() []string {
	a := r.Application
	return []string{
		r.Name, fmt.Sprint(r.Rows), fmt.Sprint(a.Statements), short(a.Median), short(a.P99), short(a.P999), short(a.Longest),
		strings.TrimSpace(fmt.Sprint(a.Failed, " ", a.Failure)),
	}
}

// part is a part of a run's statements.
type part struct {
	run Run
	Waits
}

// parts returns the bursts and the phases of all runs with traffic. A phase of a few statements says nothing.
func (s Server) parts() (all []part) {
	const few = 20
	for _, r := range s.Runs {
		if r.Application == nil {
			continue
		}
		if r.Application.Burst != nil {
			all = append(all, part{r, *r.Application.Burst})
		}
		for _, w := range r.Application.Phases {
			if w.Statements >= few {
				all = append(all, part{r, w})
			}
		}
	}
	return all
}

func (p part) cells() []string {
	return []string{
		p.run.Name, fmt.Sprint(p.run.Rows), p.Name, seconds(p.Lasted), fmt.Sprint(p.Statements), short(p.Median), short(p.P99), short(p.ReadP99), short(p.WriteP99), short(p.P999), short(p.Longest),
	}
}

// worthALine is the part of a run's time that a step must take to be mentioned.
const worthALine = 50

// line returns the line that is printed when a run has ended.
func (r Run) line() string {
	if r.Error != "" {
		return r.Name + " failed: " + r.Error
	}
	parts := []string{fmt.Sprintf("%s, %d rows: %s", r.Name, r.Rows, seconds(r.Wall))}
	if r.Application != nil {
		parts = append(parts, "the application's longest wait "+short(r.Application.Longest))
	}
	for _, step := range r.Steps {
		if step.Elapsed > r.Wall/worthALine {
			parts = append(parts, path.Base(step.Step)+" "+seconds(step.Elapsed))
		}
	}
	return strings.Join(parts, ", ")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
func megabytes(bytes int64) string   { return fmt.Sprintf("%.0f", float64(bytes)/(1<<20)) }

// short formats a duration with three digits.
func short(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
}

// grid prints a table in Markdown, unless it has no rows. A row may be shorter than the heading.
func grid[T any](out io.Writer, heading []string, items []T, cells func(T) []string) {
	if len(items) == 0 {
		return
	}
	lines := [][]string{heading}
	for _, item := range items {
		row := cells(item)
		lines = append(lines, append(row, make([]string, max(len(heading)-len(row), 0))...))
	}
	widths := make([]int, len(heading))
	for _, line := range lines {
		for i := range widths {
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
	}
	fmt.Fprintln(out)
	for i, line := range lines {
		for j, cell := range line {
			fmt.Fprintf(out, "| %s%s ", cell, strings.Repeat(" ", max(widths[j]-utf8.RuneCountInString(cell), 0)))
		}
		fmt.Fprintln(out, "|")
		if i == 0 {
			for _, width := range widths {
				fmt.Fprintf(out, "|%s", strings.Repeat("-", width+2))
			}
			fmt.Fprintln(out, "|")
		}
	}
}
